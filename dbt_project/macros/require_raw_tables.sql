{#- Stop with one sentence, before any model runs, when there is no data to build from. -#}
{% macro require_raw_tables() -%}
    {{ adapter.dispatch('require_raw_tables')() }}
{%- endmacro %}

{% macro duckdb__require_raw_tables() -%}
    {%- if execute -%}
        {%- if target.database | lower in ['raw', 'truth', 'staging', 'main', 'bookkeeping', 'private'] -%}
            {%- do exceptions.raise_compiler_error(
                warehouse_name() ~ ' has the name of one of the schemas in it: rename the file.'
            ) -%}
        {%- endif -%}
        {%- for table in ['users', 'events'] -%}
            {%- set raw_table = source('raw', table) -%}
            {%- if not adapter.get_relation(
                raw_table.database, raw_table.schema, raw_table.identifier
            ) -%}
                {%- do exceptions.raise_compiler_error(
                    'There is no raw.' ~ table ~ ' in ' ~ warehouse_name()
                    ~ ': run `elearn generate` or `elearn load` first.'
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set changes = source('raw', 'user_changes') -%}
        {%- if not adapter.get_relation(changes.database, changes.schema, changes.identifier) -%}
            {%- do run_query(create_user_changes()) -%}
        {%- endif -%}
        {%- do add_profile() -%}
        {%- do adapter.commit() -%}  {#- looking up tables opened a transaction -#}
    {%- endif -%}
{%- endmacro %}

{#- So does its load history lack what a load brought; of those loads nothing is known. -#}
{% macro add_profile() -%}
    {%- set loads = source('raw', 'loads') -%}
    {%- set relation = adapter.get_relation(loads.database, loads.schema, loads.identifier) -%}
    {%- if relation
        and 'profile' not in adapter.get_columns_in_relation(relation) | map(attribute='name') -%}
        {%- do run_query(
            'alter table raw.loads add column profile varchar; comment on column raw.loads.profile is '
            ~ as_text(described('loads').columns['profile'].description | trim)
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- A warehouse of an earlier version lacks it, until a load or a build: nobody's plan changes. -#}
{% macro create_user_changes() -%}
    create table raw.user_changes (
        user_id integer not null references raw.users (user_id),
        valid_from date not null check (
            valid_from between date '1970-01-01' and date '2099-12-31'
        ),
        plan varchar not null check (plan in ('free', 'paid')),
        is_paid integer not null check (is_paid in (0, 1)),
        country varchar not null,
        marketing_source varchar not null,
        check (is_paid = case when plan = 'paid' then 1 else 0 end),
        primary key (user_id, valid_from)
    );
    {%- set table = described('user_changes') %}
    comment on table raw.user_changes is {{ as_text(table.description | trim) }};
    {%- for column in table.columns.values() %}
    comment on column raw.user_changes.{{ column.name }} is {{ as_text(column.description | trim) }};
    {%- endfor %}
{%- endmacro %}

{#- A raw table as the sources describe it. -#}
{% macro described(table) -%}
    {{ return(graph.sources['source.' ~ project_name ~ '.raw.' ~ table]) }}
{%- endmacro %}

{% macro warehouse_name() -%}
    {{ return(target.path or target.name) }}
{%- endmacro %}
