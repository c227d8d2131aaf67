{#-
    How the marts are stored on Spark. Each table is created without rows and then overwritten: of a
    build that was killed Spark would refuse to create the table again over the files that are left.

    An incremental mart is a table in the schema spans, and in main the view of it that everybody
    reads.

    The table has a directory for each span of days and in it a file for each bucket of users. A
    user's days are always in the same bucket, so windows and joins by user need no shuffle. A span
    is named by its first day and is the unit that is written: a full build writes calendar months,
    a new day is a span of its own, and redoing from a day on begins where that day's span does.
    A span is overwritten as a whole, so a build that was killed is repeated and not added to. The
    materializations that do so stand in dbt_overrides.sql.
-#}

{#- How many buckets the users are divided into: the tasks of a mart, and the files of a span. -#}
{% macro user_buckets() -%}
    {{ return(env_var('ELEARN_SPARK_BUCKETS', '4') | int) }}
{%- endmacro %}

{#- The table of a mart. -#}
{% macro spans_of(mart) -%}
    {{ return(mart.incorporate(path={'schema': 'spans'}, type='table')) }}
{%- endmacro %}

{#- The table of an incremental mart of this project, none when it is not there. -#}
{% macro stored_spans(mart) -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ mart] -%}
    {{ return(adapter.get_relation(none, 'spans', node.alias)) }}
{%- endmacro %}

{#- The first days of a table's spans, in order. -#}
{% macro first_days_of_spans(spans) -%}
    {%- set days = [] -%}
    {%- for row in run_query('show partitions ' ~ spans).rows -%}
        {%- do days.append(row[0].split('=')[1]) -%}
    {%- endfor -%}
    {{ return(days | sort) }}
{%- endmacro %}

{#- The table says that all its days are to be redone until they are done. -#}
{% macro create_spans(spans) -%}
    {%- set existing = load_relation(this) -%}
    {%- do adapter.drop_relation(existing) if existing is not none and existing.is_table -%}
    {%- do run_query('create schema if not exists ' ~ spans.without_identifier()) -%}
    {%- do run_query('drop table if exists ' ~ spans) -%}
    {%- do run_query(
        create_table_of_contract(spans, ['span date']) ~ ' partitioned by (span)'
        ~ ' clustered by (user_id) into ' ~ user_buckets() ~ ' buckets'
        ~ " tblproperties ('" ~ outdated_from_property() ~ "' = '" ~ beginning() ~ "')"
    ) -%}
    {%- do run_query(
        'create or replace view ' ~ this ~ ' ' ~ comment_clause() ~ ' as select '
        ~ model.columns | join(', ') ~ ' from ' ~ spans
    ) -%}
{%- endmacro %}

{% macro create_table_of_contract(relation, more_columns=[]) -%}
    {%- set columns = [] -%}
    {%- for column in model.columns.values() -%}
        {%- do columns.append(
            column.name ~ ' ' ~ column.data_type ~ ' comment '
            ~ dbt.string_literal(dbt.escape_single_quotes(column.description))
        ) -%}
    {%- endfor -%}
    create table {{ relation }} ({{ (columns + more_columns) | join(', ') }}) using parquet
    options ({{ encoding_options() }})
{%- endmacro %}

{#-
    Whole numbers and days are written as differences to the row before, which is of the same user
    as a rule. That is as small as a dictionary, which takes a look-up for each value.
-#}
{% macro encoding_options() -%}
    {%- set options = ["'parquet.writer.version' 'v2'"] -%}
    {%- for column in model.columns.values() if column.data_type in ('integer', 'bigint', 'date') -%}
        {%- do options.append("'parquet.enable.dictionary#" ~ column.name ~ "' 'false'") -%}
    {%- endfor -%}
    {{ return(options | join(', ')) }}
{%- endmacro %}

{#- A span that gets no rows any more would stay. -#}
{% macro drop_spans_from(first_day, spans) -%}
    {%- set outdated = [] -%}
    {%- for day in first_days_of_spans(spans) if day >= first_day -%}
        {%- do outdated.append("partition (span = '" ~ day ~ "')") -%}
    {%- endfor -%}
    {%- do run_query(
        'alter table ' ~ spans ~ ' drop if exists ' ~ outdated | join(', ')
    ) if outdated -%}
{%- endmacro %}

{% macro overwrite_spans(spans, first_day) -%}
    {%- do get_assert_columns_equivalent(sql) -%}
    {%- do run_query('set spark.sql.sources.partitionOverwriteMode = dynamic') -%}
    insert overwrite table {{ spans }} partition (span)
    select {{ users_together() }}
        {{ model.columns | join(', ') }},
        greatest(date '{{ first_day }}', trunc(as_of_date, 'month')) as span
    from (
        {{ sql }}
    ) as user_days
{%- endmacro %}

{#-
    A model of somebody else's: dbt-spark would append its rows to those of the same key and say
    nothing, where DuckDB replaces them.
-#}
{% macro refuse_a_key_that_is_ignored() -%}
    {%- if config.get('unique_key') and config.get('incremental_strategy') in (none, 'append') -%}
        {%- do exceptions.raise_compiler_error(
            'unique_key: on Spark ' ~ model.name ~ ' would get its rows twice, because the strategy'
            ~ " append replaces none: use materialized='table', or one of the strategies"
            ~ ' insert_overwrite and merge, see docs/own_models.md.'
        ) -%}
    {%- endif -%}
{%- endmacro %}
