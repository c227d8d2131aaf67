{#-
    What a data test has to look at: the days whose content has not passed all tests yet. A day of
    a table is known by the number of its rows and the sum of their hashes, so a change is found
    whoever made it, also in a day that no build meant to touch. A run takes the content of a table
    when it made the mart, else when the first test asks for it; a run in which every test
    passed keeps it in bookkeeping.tested. A run that fails or is killed keeps nothing, so what it
    did not test is tested by the next one.

    A test looks at everything unless its SQL calls is_untested(), or its `where` in a yml file
    says `as_of_date is untested`, or `event_date is untested in raw.events` for a view of it.
-#}

{#-
    Whether a row of a day may differ from what passed: SQL for a column that is a day. Margins say
    how many days of the table, before and after its own, the row is made from.
-#}
{% macro is_untested(day, table, days_before=0, days_after=0) -%}
    {{ return(adapter.dispatch('is_untested')(day, table, days_before, days_after)) }}
{%- endmacro %}

{#- Nothing is kept of the content of a lake. -#}
{% macro default__is_untested(day, table, days_before, days_after) -%}
    {{ return('true') }}
{%- endmacro %}

{% macro duckdb__is_untested(day, table, days_before, days_after) -%}
    {%- set spans = untested_spans(table) -%}
    {%- if spans is none -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set conditions = [day ~ ' is null'] -%}
    {%- for first_day, last_day, _ in spans -%}
        {%- do conditions.append(
            day ~ " between date '" ~ first_day ~ "' - " ~ days_after
            ~ " and date '" ~ last_day ~ "' + " ~ days_before
        ) -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')') }}
{%- endmacro %}

{#-
    A test that is too dear for every day looks at a sample of them, and at every day that changed
    if these are few.
-#}
{% macro is_looked_at(day, last_day, tables) -%}
    {%- set number_of_days = [] -%}
    {%- for table in tables -%}
        {%- set spans = untested_spans(table) if target.type == 'duckdb' else none -%}
        {%- do number_of_days.append(spans | sum(attribute=2) if spans is not none else 1000) -%}
    {%- endfor -%}
    {{ return('true' if number_of_days | sum <= 40 else is_sampled_day(day, last_day)) }}
{%- endmacro %}

{#-
    First day, last day and length of each span of untested days; none for everything. What a run
    has found is kept for its other tests: content that was taken stays what it is until the run
    ends.
-#}
{% macro untested_spans(table) -%}
    {%- if not execute or flags.WHICH not in ('build', 'test') -%}
        {{ return(none) }}
    {%- endif -%}
    {%- do refuse_what_is_not_read(table) -%}
    {%- if is_whole() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set found = kept_for_this_run('untested_spans') -%}
    {%- if table not in found -%}
        {%- do found.update({table: find_untested_spans(table)}) -%}
    {%- endif -%}
    {{ return(found[table]) }}
{%- endmacro %}

{% macro find_untested_spans(table) -%}
    {%- set state = run_query(select_untested_spans(table)) -%}
    {%- if not state.rows[0]['has_passed'] -%}
        {{ return(none) }}
    {%- elif not state.rows[0]['is_taken'] -%}
        {%- do take_content(table) -%}
        {%- set state = run_query(select_untested_spans(table)) -%}
    {%- endif -%}
    {%- set spans = [] -%}
    {%- for row in state.rows if row['number_of_days'] -%}
        {%- do spans.append((row['first_day'], row['last_day'], row['number_of_days'])) -%}
    {%- endfor -%}
    {{ return(spans if spans | length <= 50 and none not in spans | map('first') else none) }}
{%- endmacro %}

{#- A table that the test does not wait for may be made anew after its content was taken. -#}
{% macro refuse_what_is_not_read(table) -%}
    {%- set tables = [] -%}
    {%- for node in nodes_behind(context.model) -%}
        {%- do tables.append(node.schema ~ '.' ~ node.alias) -%}
    {%- endfor -%}
    {%- if not table.startswith('raw.') and table not in tables -%}
        {%- do exceptions.raise_compiler_error(
            context.model.name ~ ' asks which days of ' ~ table ~ ' are untested, but is not made'
            ~ ' from it.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- Content that passed with a warning has not passed, and a full refresh tests everything. -#}
{% macro is_whole() -%}
    {{ return(
        flags.FULL_REFRESH or env_var('ELEARN_ALL_TESTS', '')
        or config.get('severity') | lower != 'error' or config.get('error_if') != '!= 0'
    ) }}
{%- endmacro %}

{#- One row per span; one without a span where there is none, or where it cannot be told yet. -#}
{% macro select_untested_spans(table) -%}
    with tested_now as (
        select tested.*
        from bookkeeping.tested
        inner join bookkeeping.builds on tested.test_version = builds.test_version
    ),

    found as (
        select distinct content.day, content.row_count, content.hash_sum
        from bookkeeping.content
        where content.table_name = {{ as_text(table) }}
    ),

    passed as (
        select tested_now.day, tested_now.row_count, tested_now.hash_sum
        from tested_now
        where tested_now.table_name = {{ as_text(table) }}
    ),

    changed as (
        select distinct coalesce(found.day, passed.day) as day
        from found
        full join passed on found.day is not distinct from passed.day
        where
            found.row_count is distinct from passed.row_count
            or found.hash_sum is distinct from passed.hash_sum
    ),

    numbered as (
        select
            changed.day,
            changed.day - cast(row_number() over (order by changed.day) as integer) as span
        from changed
    ),

    spans as (
        select
            cast(min(numbered.day) as varchar) as first_day,
            cast(max(numbered.day) as varchar) as last_day,
            count(*) as number_of_days
        from numbered
        group by numbered.span
    ),

    state as (
        select
            exists (select 1 from found) as is_taken,
            exists (select 1 from tested_now) as has_passed
    )

    select
        state.is_taken,
        state.has_passed,
        spans.*
    from state
    left join spans on true
    order by spans.first_day
{%- endmacro %}

{#- A hook of a mart, whose tests all ask at once; they would take it twice. -#}
{% macro take_content_for_tests() -%}
    {%- if execute and target.type == 'duckdb' and flags.WHICH == 'build' -%}
        {%- do take_content(this.schema ~ '.' ~ this.identifier) -%}
    {%- endif -%}
{%- endmacro %}

{#- Two tests that ask at the same time may both take it, which only takes time. -#}
{% macro take_content(table) -%}
    {%- set taken = run_query(
        'select count(*) from bookkeeping.content where table_name = ' ~ as_text(table)
    ) -%}
    {%- if taken.rows[0][0] == 0 -%}
        {%- set found = run_query(
            "select min(column_name) from duckdb_columns() where data_type = 'DATE'"
            " and column_name in ('as_of_date', 'event_date')"
            " and database_name = current_database() and schema_name || '.' || table_name = "
            ~ as_text(table)
        ).rows[0][0] -%}
        {%- do run_query(
            'insert into bookkeeping.content ' ~ select_content(table, found or 'cast(null as date)')
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- One row per day of a table. -#}
{% macro select_content(table, day) -%}
    select
        {{ as_text(table) }} as table_name,
        {{ day }} as day,
        count(*) as row_count,
        sum(hash(rows_of_table)) as hash_sum
    from {{ quoted_name(table) }} as rows_of_table
    group by all
{%- endmacro %}

{#-
    What decides what the tests say besides the content: the models and tests with their settings,
    the macros that they use, the vars and the versions of the tools.
-#}
{% macro test_version() -%}
    {%- set decisive = [vars_in_force(), dbt_version] -%}
    {%- for node in (graph.nodes.values() if execute else []) | sort(attribute='unique_id') -%}
        {%- do decisive.append((
            node.unique_id, node.raw_code, node.config, node.columns, node.test_metadata
        )) -%}
    {%- endfor -%}
    {%- for table in (graph.sources.values() if execute else []) | sort(attribute='unique_id') -%}
        {%- do decisive.append((table.unique_id, table.columns)) -%}
    {%- endfor -%}
    {%- do decisive.append(macros_behind(graph.nodes.values())) if execute -%}
    {{ return(local_md5(decisive | string)) }}
{%- endmacro %}

{#- Whether the database itself holds columns to be a key, so that no test has to. -#}
{% macro is_key(relation, columns) -%}
    {{ return(adapter.dispatch('is_key')(relation, columns)) }}
{%- endmacro %}

{% macro default__is_key(relation, columns) -%}
    {{ return(false) }}
{%- endmacro %}

{% macro duckdb__is_key(relation, columns) -%}
    {%- if flags.WHICH not in ('build', 'test') or relation is string -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set found = run_query(
        "select count(*) from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
        ~ " and database_name = " ~ as_text(relation.database or target.database)
        ~ " and schema_name = " ~ as_text(relation.schema)
        ~ " and table_name = " ~ as_text(relation.identifier)
        ~ " and list_sort(constraint_column_names) = list_sort(['" ~ columns | join("', '") ~ "'])"
    ) -%}
    {{ return(found.rows[0][0] == 1) }}
{%- endmacro %}
