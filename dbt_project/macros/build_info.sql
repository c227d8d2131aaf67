{#-
    The one row of main.build_info, which says what the marts are: written at the end of every run
    of dbt. built_at and the counts of tests are null unless all tests passed on what stands there.
    Publishing adds the version of the package.
-#}

{% macro write_build_info() -%}
    create or replace table main.build_info as
    select
        {{ last_load('dataset_version') }} as dataset_version,
        green_build.built_at,
        green_build.tests_passed,
        green_build.tests_warned,
        '{{ dbt_version }}' as dbt_version,
        version() as duckdb_version,
        cast(null as varchar) as elearn_version,
        coalesce(
            {{ last_load("settings ->> '$.days_in'", "loads.kind <> 'erased'") }}, 'UTC'
        ) as days_in,
        {{ as_text(vars_as_json()) }} as vars
    from (select 1) as one_row
    left join bookkeeping.green_build on true;
    comment on table main.build_info is
        'What the marts are: data, vars, tools, and the tests that passed. One row.';
    {%- for column, description in {
        'dataset_version': 'Hash of what raw holds, by its last load.',
        'built_at': 'When the last test passed, UTC; null unless all tests passed.',
        'tests_passed': 'Data tests that passed; null unless all tests passed.',
        'tests_warned': 'Data tests that warned; null unless all tests passed.',
        'dbt_version': 'Version of dbt that ran last.',
        'duckdb_version': 'Version of DuckDB that dbt used.',
        'elearn_version': 'Version of the package that published; null in a warehouse.',
        'days_in': 'Zone whose calendar days the days are.',
        'vars': 'Every var of dbt in force, as JSON.',
    }.items() %}
    comment on column main.build_info.{{ column }} is '{{ description }}';
    {%- endfor %}
{%- endmacro %}

{#- Whether the vars in force are those of the run that wrote build_info. -#}
{% macro vars_are_those_of_build_info() -%}
    {%- set found = run_query(
        "select count(*) from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'main' and table_name = 'build_info' and column_name = 'vars'"
    ) -%}
    {%- if found.rows[0][0] == 0 -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set stored = run_query('select vars from main.build_info').columns[0].values() | list -%}
    {{ return(stored == [vars_as_json()]) }}
{%- endmacro %}

{#- A value of the last load, as SQL; null where raw was filled by other means. -#}
{% macro last_load(expression, condition='true') -%}
    {%- if not has_load_history() -%}
        {{ return('cast(null as varchar)') }}
    {%- endif -%}
    {{ return(
        '(select ' ~ expression ~ ' from raw.loads where ' ~ condition
        ~ ' order by loads.load_id desc limit 1)'
    ) }}
{%- endmacro %}

{#- A warehouse may have been filled by other means than this package's commands. -#}
{% macro has_load_history() -%}
    {%- set found = run_query(
        "select count(*) from duckdb_tables() where database_name = current_database()"
        " and schema_name = 'raw' and table_name = 'loads'"
    ) -%}
    {{ return(found.rows[0][0] == 1) }}
{%- endmacro %}

{#- What the loads say of what they brought, as JSON. One row per load. -#}
{% macro select_profiles() -%}
    {%- set loads = source('raw', 'loads') -%}  {#- so that dbt knows of it -#}
    {%- set is_of_a_unit_test = loads.is_cte -%}
    {%- if execute and not is_of_a_unit_test and not has_load_history() -%}
        select
            cast(null as integer) as load_id,
            cast(null as json) as profile
        where false
    {%- else -%}
        select
            loads.load_id,
            cast(loads.profile as json) as profile
        from {{ loads }} as loads
        where loads.profile is not null
    {%- endif -%}
{%- endmacro %}

{#- A day that yaml read as a date is a text in JSON. -#}
{% macro vars_as_json() -%}
    {%- set values = {} -%}
    {%- for name, value in vars_in_force().items() -%}
        {%- set is_date = value is not none and value.isoformat is defined -%}
        {%- do values.update({name: value | string if is_date else value}) -%}
    {%- endfor -%}
    {{ return(tojson(values, sort_keys=true)) }}
{%- endmacro %}
