{#-
    Every macro here has the name of one of dbt's own, of dbt-core 1.11.16 with dbt-adapters 1.24.5,
    of dbt-duckdb 1.11.1 or of dbt-spark, and takes its place for all models of the project. So each of them
    does for this project's marts what the marts need, and for every other model what dbt does.
-#}

{#-
    Follows `ref` and `source` of dbt-core 1.11. A view whose SQL names the catalog, which is
    called after the file, reads another file, or none, once its own is renamed or attached under
    another name; schema and table are enough. Another database than the warehouse is named.
-#}
{% macro ref() -%}
    {{ return(without_own_catalog(builtins.ref(*varargs, **kwargs))) }}
{%- endmacro %}

{% macro source() -%}
    {{ return(without_own_catalog(builtins.source(*varargs, **kwargs))) }}
{%- endmacro %}

{% macro without_own_catalog(relation) -%}
    {%- set user = model.database if model is defined else target.database -%}
    {%- if relation.database == target.database and user == target.database -%}
        {{ return(relation.include(database=false)) }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}

{#-
    Follows `generate_schema_name` of dbt-adapters 1.24: a custom schema is used as it is, staging
    and not main_staging.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

{#-
    Follows `should_full_refresh` of dbt-adapters 1.24. An incremental mart is made anew also when
    the bookkeeping says that nothing of it can be kept, or a good part of its rows is dead. dbt asks
    six times for each mart, and must hear the same until it is made.
-#}
{% macro should_full_refresh() -%}
    {%- set is_asked_for = dbt.should_full_refresh() -%}
    {%- if is_asked_for or not execute or model.name not in incremental_marts() -%}
        {{ return(is_asked_for) }}
    {%- endif -%}
    {%- set answers = kept_for_this_run('full_refreshes') -%}
    {%- if model.unique_id not in answers -%}
        {%- do answers.update({model.unique_id: everything_is_outdated() or holds_dead_rows()}) -%}
    {%- endif -%}
    {{ return(answers[model.unique_id]) }}
{%- endmacro %}

{#- Follows `is_incremental` of dbt-adapters 1.24; a mart on Spark is a view of its table. -#}
{% macro is_incremental() -%}
    {{ return(adapter.dispatch('is_incremental', project_name)()) }}
{%- endmacro %}

{% macro default__is_incremental() -%}
    {{ return(dbt.is_incremental()) }}
{%- endmacro %}

{#-
    Follows `process_schema_changes` of dbt-adapters 1.24. A mart redoes some user-days: a column
    that is added to the table would be empty on all others. dbt's message for on_schema_change:
    fail does not name the option that helps.
-#}
{% macro process_schema_changes(on_schema_change, source_relation, target_relation) -%}
    {%- if model.name not in incremental_marts() -%}
        {{ return(dbt.process_schema_changes(on_schema_change, source_relation, target_relation)) }}
    {%- endif -%}
    {%- set changes = check_for_schema_changes(source_relation, target_relation) -%}
    {%- if changes.schema_changed -%}
        {%- do exceptions.raise_compiler_error(
            'The columns of ' ~ target_relation.identifier ~ ' are not those of its model, and'
            ~ ' on_schema_change: ' ~ on_schema_change ~ ' cannot fill them for the rows that'
            ~ ' stand: run `dbt build --full-refresh`.'
        ) -%}
    {%- endif -%}
    {{ return(changes.source_columns) }}
{%- endmacro %}

{#-
    Follow dbt-adapters 1.24 and dbt-duckdb 1.11. A mart's primary key is added when its rows are
    in: an index that is built at once takes half the time of one that grows row by row. Columns
    keep their NOT NULL and CHECK from the start.
-#}
{% macro duckdb__get_table_columns_and_constraints() -%}
    {%- if model.name not in our_marts() -%}
        {{ return(dbt.default__get_table_columns_and_constraints()) }}
    {%- endif -%}
    ({{ adapter.render_raw_columns_constraints(raw_columns=model['columns']) | join(', ') }})
{%- endmacro %}

{% macro duckdb__create_table_as(temporary, relation, compiled_code) -%}
    {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, *varargs, **kwargs) }}
    {%- if model.name in our_marts() and not temporary %}
    {%- for constraint in adapter.render_raw_model_constraints(model['constraints']) %}
    alter table {{ relation }} add {{ constraint }};
    {%- endfor %}
    {%- endif %}
{%- endmacro %}

{#-
    Follows `get_where_subquery` of dbt-adapters 1.24. The `where` of a test may say that a column
    is untested, and in which table, if not in its own: then the test looks at the days whose
    content has not passed it. A view that is made from more than that table is looked at whole.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set asked = modules.re.match(
        '(\\w+) is untested(?: in ([.\\w]+))?$', config.get('where') or ''
    ) -%}
    {%- if not asked -%}
        {{ return(dbt.get_where_subquery(relation)) }}
    {%- endif -%}
    {%- set table = asked.group(2) or relation.schema ~ '.' ~ relation.identifier -%}
    {%- set is_cut = execute and (not asked.group(2) or is_made_from(table)) -%}
    {%- set condition = is_untested(asked.group(1), table) if is_cut else 'true' -%}
    {%- if condition == 'true' -%}
        {{ return(relation) }}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ condition ~ ') as untested_rows') }}
{%- endmacro %}

{#-
    Follows `test_unique` of dbt-adapters 1.24, and does not look at the rows of a column that the
    database holds unique.
-#}
{% macro duckdb__test_unique(model, column_name) -%}
    {%- if execute and is_key(model, [column_name]) -%}
        select 'held by the primary key' as reason where false
    {%- else -%}
        {{ dbt.default__test_unique(model, column_name) }}
    {%- endif -%}
{%- endmacro %}

{#-
    Follows `test_relationships` of dbt-adapters 1.24. A warehouse may have no load history: then there
    is no load that a row could refer to.
-#}
{% macro duckdb__test_relationships(model, column_name, to, field) -%}
    {%- if execute and (to | string) == (source('raw', 'loads') | string)
        and not has_load_history() -%}
        select {{ column_name }} as from_field from {{ model }} where {{ column_name }} is not null
    {%- else -%}
        {{ dbt.default__test_relationships(model, column_name, to, field) }}
    {%- endif -%}
{%- endmacro %}

{#-
    Follows `is_incremental` of dbt-adapters 1.24. The view says nothing of whether there are rows to
    keep; the table of spans does.
-#}
{% macro spark__is_incremental() -%}
    {%- if model.name not in incremental_marts() -%}
        {{ return(dbt.is_incremental()) }}
    {%- endif -%}
    {{ return(
        execute and stored_spans(model.name) is not none and not should_full_refresh()
    ) }}
{%- endmacro %}

{#-
    Follows the incremental materialization of dbt-spark 1.11: an incremental mart is stored in spans
    of days.
-#}
{% materialization incremental, adapter='spark' -%}
    {%- if model.name not in incremental_marts() -%}
        {%- do refuse_a_key_that_is_ignored() -%}
        {{ return(dbt.materialization_incremental_spark()) }}
    {%- endif -%}
    {%- set spans = spans_of(this) -%}
    {{ run_hooks(pre_hooks) }}
    {%- set first_day = outdated_from(spans) if is_incremental() else beginning() -%}
    {%- if first_day == beginning() -%}
        {%- do create_spans(spans) -%}
    {%- elif first_day -%}
        {%- do drop_spans_from(first_day, spans) -%}
    {%- endif -%}
    {%- call statement('main') -%}
        {{ overwrite_spans(spans, first_day) if first_day else 'select 0 as changed_days' }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='view'), spans]}) }}
{%- endmaterialization %}

{#-
    Follows the table materialization of dbt-spark 1.11: a table that is created empty can be
    overwritten, whatever files a killed build has left.
-#}
{% materialization table, adapter='spark' -%}
    {%- if model.name not in whole_marts() -%}
        {{ return(dbt.materialization_table_spark()) }}
    {%- endif -%}
    {{ run_hooks(pre_hooks) }}
    {%- do run_query('drop table if exists ' ~ this) -%}
    {%- do run_query(create_table_of_contract(this)) -%}
    {%- do get_assert_columns_equivalent(compiled_code) -%}
    {%- call statement('main') -%}
        insert overwrite table {{ this }}
        select {{ model.columns | join(', ') }} from (
            {{ compiled_code }}
        ) as mart
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmaterialization %}
