{#-
    The settings of this project's own models. They stand here and not with a folder in
    dbt_project.yml, so that a model that somebody adds to a folder has dbt's defaults and its own
    settings, and nothing of these.
-#}

{#-
    The incremental marts: by how many days an event reaches back in them, and from which other
    incremental marts they are made.
-#}
{% macro incremental_marts() -%}
    {{ return({
        'user_daily': {'days_back': 0, 'parents': []},
        'user_features_daily': {'days_back': 0, 'parents': ['user_daily']},
        'churn_labels': {'days_back': label_reach_days(), 'parents': ['user_daily']},
        'training_dataset': {
            'days_back': label_reach_days(),
            'parents': ['user_features_daily', 'churn_labels'],
        },
    }) }}
{%- endmacro %}

{#- The marts that every build makes whole. -#}
{% macro whole_marts() -%}
    {{ return(['training_splits', 'scoring_dataset', 'activity_periods']) }}
{%- endmacro %}

{#- What is told of the load history, which a lake has not; it says nothing of users or days. -#}
{% macro history_marts() -%}
    {{ return(['load_profile']) }}
{%- endmacro %}

{% macro our_marts() -%}
    {{ return(incremental_marts().keys() | list + whole_marts() + history_marts()) }}
{%- endmacro %}

{% macro staging_view() -%}
    {{ config(materialized='view', schema='staging', contract={'enforced': true}) }}
{%- endmacro %}

{% macro whole_mart() -%}
    {{ mart(materialized='table', pre_hook="{{ require_parents() }}") }}
{%- endmacro %}

{% macro history_mart() -%}
    {{ mart(materialized='table', enabled=target.type != 'spark') }}
{%- endmacro %}

{% macro history_test() -%}
    {{ config(enabled=target.type != 'spark') }}
{%- endmacro %}

{% macro incremental_mart() -%}
    {{ mart(
        materialized='incremental',
        incremental_strategy='redo',
        on_schema_change='fail',
        pre_hook=["{{ refuse_to_keep_rows() }}", "{{ require_parents() }}"],
        post_hook=["{{ forget_outdated_rows() }}", "{{ take_content_for_tests() }}"],
    ) }}
{%- endmacro %}

{#- What marts of both kinds have; the file format is for Spark. -#}
{% macro mart() -%}
    {%- do refuse_other_models() -%}
    {{ config(
        schema='main',
        access='public',
        file_format='parquet',
        contract={'enforced': true},
        **kwargs
    ) }}
{%- endmacro %}

{#- A unit test, which renders a mart's SQL, has another name than the mart. -#}
{% macro refuse_other_models() -%}
    {%- if model.resource_type == 'model' and model.name not in our_marts() -%}
        {%- do exceptions.raise_compiler_error(
            'The settings of this project\'s marts are not for ' ~ model.name
            ~ ': call config(materialized=...) there, see docs/own_models.md.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- A hook: where nothing can be kept, full_refresh: false cannot be done. -#}
{% macro refuse_to_keep_rows() -%}
    {%- if execute and config.get('full_refresh') is false
        and load_relation(this) is not none and everything_is_outdated() -%}
        {%- do exceptions.raise_compiler_error(
            'No row of ' ~ model.name ~ ' can be kept, because the vars, a model or the first day of'
            ~ ' the data changed, and full_refresh: false forbids to make it anew: leave it out.'
        ) -%}
    {%- endif -%}
{%- endmacro %}
