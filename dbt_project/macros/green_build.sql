{#-
    What may be published: a run in which every data test passed keeps one fingerprint of each
    table that readers get, and the facts of the build. A run with a failure takes them back. A run
    without all tests leaves them alone: content that did not change since is still tested.
-#}

{#- A hook at the end of a run, under the lock that the run holds on the warehouse. -#}
{% macro record_green_build() -%}
    {{ return(adapter.dispatch('record_green_build')()) }}
{%- endmacro %}

{#- A lake has no file to publish. -#}
{% macro spark__record_green_build() -%}
{%- endmacro %}

{% macro default__record_green_build() -%}
    {%- if execute and results -%}
        {%- set ends = results | map(attribute='status') | map('string') | list -%}
        {%- if ends | reject('in', ['pass', 'warn', 'success', 'no-op']) | list -%}
            delete from bookkeeping.green_build
        {%- elif all_tests_ran() and nothing_is_outdated() and not flags.EMPTY and not flags.SAMPLE -%}
            {{ keep_green_build(ends) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro all_tests_ran() -%}
    {%- set tests = graph.nodes.values() | selectattr('resource_type', 'equalto', 'test') -%}
    {%- set ran = results | map(attribute='node.unique_id') | list -%}
    {{ return(not tests | map(attribute='unique_id') | reject('in', ran) | list) }}
{%- endmacro %}

{#- Tests may pass on marts that a change of raw has left behind. -#}
{% macro nothing_is_outdated() -%}
    {{ return(run_query("select count(*) from bookkeeping.outdated").rows[0][0] == 0) }}
{%- endmacro %}

{% macro keep_green_build(ends) -%}
    begin transaction;
    delete from bookkeeping.tested_tables;
    {% for table in tables_for_readers() -%}
        insert into bookkeeping.tested_tables
        select
            {{ as_text(table) }} as table_name,
            (
                select duckdb_tables.sql from duckdb_tables()
                where
                    duckdb_tables.database_name = current_database()
                    and duckdb_tables.schema_name || '.' || duckdb_tables.table_name
                    = {{ as_text(table) }}
            ) as definition,
            (
                select count(*) || ':' || coalesce(sum(hash(tested)), 0)
                from {{ quoted_name(table) }} as tested
            ) as fingerprint;
    {% endfor -%}
    delete from bookkeeping.green_build;
    insert into bookkeeping.green_build
    select
        timestamp '{{ modules.datetime.datetime.now(modules.pytz.utc).replace(tzinfo=none) }}',
        {{ ends | select('equalto', 'pass') | list | length }},
        {{ ends | select('equalto', 'warn') | list | length }},
        '{{ dbt_version }}',
        version();
    commit
{%- endmacro %}

{#- A table's schema and name as SQL, whatever a person called it. -#}
{% macro quoted_name(table) -%}
    {%- set schema, _, name = table.partition('.') -%}
    {{ schema }}."{{ name | replace('"', '""') }}"
{%- endmacro %}

{% macro as_text(table) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(table)) }}
{%- endmacro %}

{#- Everything in raw, and the tables that models made in main; parents before their children. -#}
{% macro tables_for_readers() -%}
    {%- set found = run_query(
        "select schema_name || '.' || table_name, schema_name = 'raw' from duckdb_tables()"
        " where database_name = current_database() and schema_name in ('raw', 'main')"
        " order by table_name <> 'users', table_name"
    ).rows -%}
    {%- set stored = found | map(attribute=0) | list -%}
    {%- set tables = found | selectattr(1) | map(attribute=0) | list -%}
    {%- set models = [] -%}
    {%- for node in graph.nodes.values() | sort(attribute='name') -%}
        {%- if node.resource_type == 'model' and node.schema == 'main'
            and node.database == target.database and 'main.' ~ node.alias in stored
            and node.config.materialized in ['table', 'incremental'] -%}
            {%- do models.append((nodes_behind(node) | length, 'main.' ~ node.alias)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(tables + models | sort(attribute=0) | map(attribute=1) | list) }}
{%- endmacro %}
