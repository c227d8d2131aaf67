{#-
    What may be published: a run in which every data test passed keeps one fingerprint of each
    table that readers get, and the facts of the build. A run with a failure or with other vars takes
    them back. A run without all tests leaves them alone: content that did not change since is still
    tested.
-#}

{#- A hook at the end of a run, under the lock that the run holds on the warehouse. -#}
{% macro record_green_build() -%}
    {{ return(adapter.dispatch('record_green_build')()) }}
{%- endmacro %}

{#- A lake has no file to publish. -#}
{% macro spark__record_green_build() -%}
{%- endmacro %}

{% macro duckdb__record_green_build() -%}
    {%- set made = results | rejectattr('node.resource_type', 'equalto', 'source') | list
        if execute and results else [] -%}
    {%- if made -%}{#- A look at how fresh the sources are says nothing of the build. -#}
        {%- set ends = results | map(attribute='status') | map('string') | list -%}
        {%- set ends_of_tests = results | selectattr('node.resource_type', 'equalto', 'test')
            | map(attribute='status') | map('string') | list -%}
        {%- set has_failed = ends | reject('in', ['pass', 'warn', 'success', 'no-op']) | list -%}
        {%- set is_green = not has_failed and all_tests_ran() and nothing_is_outdated()
            and not flags.EMPTY and not flags.SAMPLE -%}
        {%- set is_still_green = not has_failed and vars_are_those_of_build_info() -%}
        {%- for table in tables_for_readers() if is_green -%}
            {%- do take_content(table) -%}
        {%- endfor -%}
        begin transaction;
        {% if is_green -%}
            {{ keep_green_build(ends_of_tests) }};
        {%- elif not is_still_green -%}
            delete from bookkeeping.green_build;
        {%- endif %}
        {{ write_build_info() }}
        commit
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

{% macro keep_green_build(ends_of_tests) -%}
    delete from bookkeeping.tested;
    insert into bookkeeping.tested
    select distinct
        content.*,
        builds.test_version
    from bookkeeping.content
    cross join bookkeeping.builds;
    delete from bookkeeping.tested_tables;
    insert into bookkeeping.tested_tables
    select
        for_readers.table_name,
        definitions.definition,
        coalesce(sum(tested.row_count), 0) || ':' || coalesce(sum(tested.hash_sum), 0)
            as fingerprint
    from (
        values
        {%- for table in tables_for_readers() %}
        ({{ loop.index }}, {{ as_text(table) }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as for_readers (place, table_name)
    left join bookkeeping.definitions
        on
            for_readers.table_name = definitions.table_name
            and definitions.database_name = current_database()
    left join bookkeeping.tested on for_readers.table_name = tested.table_name
    group by for_readers.place, for_readers.table_name, definitions.definition
    order by for_readers.place;
    delete from bookkeeping.green_build;
    insert into bookkeeping.green_build
    select
        timestamp '{{ modules.datetime.datetime.now(modules.pytz.utc).replace(tzinfo=none) }}',
        {{ ends_of_tests | select('equalto', 'pass') | list | length }},
        {{ ends_of_tests | select('equalto', 'warn') | list | length }},
        '{{ dbt_version }}',
        version()
{%- endmacro %}

{#-
    What makes a table the one that the tests saw, besides its rows, in a view: who publishes
    compares by the same words. DuckDB writes the text of a CHECK or of a default anew when it
    opens the file again, each version in its own way (1e15 becomes 1000000000000000.0, or a CAST of
    that), so a CHECK counts by its columns: what its text is for, the rows, is compared itself.
-#}
{% macro create_definitions() -%}
    create or replace view bookkeeping.definitions as
    with columns_of_tables as (
        select
            database_name,
            schema_name || '.' || table_name as table_name,
            cast(
                list(row(column_name, data_type, is_nullable) order by column_index) as varchar
            ) as definition
        from duckdb_columns()
        where not internal
        group by all
    ),

    constraints_of_tables as (
        select
            database_name,
            schema_name || '.' || table_name as table_name,
            cast(
                list(
                    row(
                        constraint_type,
                        constraint_column_names,
                        referenced_table,
                        referenced_column_names
                    )
                    order by constraint_type, constraint_column_names
                ) as varchar
            ) as definition
        from duckdb_constraints()
        group by all
    )

    select
        columns_of_tables.database_name,
        columns_of_tables.table_name,
        columns_of_tables.definition || coalesce(constraints_of_tables.definition, '') as definition
    from columns_of_tables
    left join constraints_of_tables
        on
            columns_of_tables.database_name = constraints_of_tables.database_name
            and columns_of_tables.table_name = constraints_of_tables.table_name;
    comment on view bookkeeping.definitions is
        'Columns and constraints of every table that is attached. One row per table.'
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
    {%- set tables = run_query(raw_tables_parents_first()).columns[0].values() | list -%}
    {%- set stored = run_query(
        "select 'main.' || table_name from duckdb_tables()"
        " where database_name = current_database() and schema_name = 'main'"
    ).columns[0].values() | list -%}
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

{#- A foreign key never leaves its schema, and only a table may refer to itself. -#}
{% macro raw_tables_parents_first() -%}
    with recursive tables_at_depths as (
        select
            table_name,
            0 as depth
        from duckdb_tables()
        where database_name = current_database() and schema_name = 'raw'
        union
        select
            children.table_name,
            parents.depth + 1 as depth
        from tables_at_depths as parents
        inner join duckdb_constraints() as children
            on parents.table_name = children.referenced_table
        where
            children.database_name = current_database()
            and children.schema_name = 'raw'
            and children.table_name <> children.referenced_table
    )

    select 'raw.' || table_name from tables_at_depths
    group by table_name
    order by max(depth), table_name
{%- endmacro %}
