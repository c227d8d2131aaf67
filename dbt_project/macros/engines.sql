{#- Where the SQL of the models differs between DuckDB and Spark. -#}

{#- One row for each day from first_day to last_day; first_day must not be after last_day. -#}
{% macro each_day(first_day, last_day) -%}
    {{ return(adapter.dispatch('each_day')(first_day, last_day)) }}
{%- endmacro %}

{% macro duckdb__each_day(first_day, last_day) -%}
    cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval '1' day)) as date)
{%- endmacro %}

{% macro spark__each_day(first_day, last_day) -%}
    explode(sequence({{ first_day }}, {{ last_day }}, interval '1' day))
{%- endmacro %}

{#- Whole days from one date to another, as an INTEGER. -#}
{% macro days_between(earlier_day, later_day) -%}
    {{ return(adapter.dispatch('days_between')(earlier_day, later_day)) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier_day, later_day) -%}
    cast({{ later_day }} - {{ earlier_day }} as integer)
{%- endmacro %}

{% macro spark__days_between(earlier_day, later_day) -%}
    datediff({{ later_day }}, {{ earlier_day }})
{%- endmacro %}

{#- A 64-bit integer shifted right by some bits. -#}
{% macro shifted_right(value, bits) -%}
    {{ return(adapter.dispatch('shifted_right')(value, bits)) }}
{%- endmacro %}

{% macro duckdb__shifted_right(value, bits) -%}
    {{ value }} >> {{ bits }}
{%- endmacro %}

{% macro spark__shifted_right(value, bits) -%}
    shiftright({{ value }}, {{ bits }})
{%- endmacro %}

{#- The names of a relation's columns; none while dbt only parses. -#}
{% macro columns_of(relation) -%}
    {{ return(
        (adapter.get_columns_in_relation(relation) if execute else []) | map(attribute='name')
    ) }}
{%- endmacro %}

{#- Whether a cast to the types of the staging model's contract gives another value. -#}
{% macro is_changed_by_staging(raw_table) -%}
    false
    {%- for node in (graph.nodes.values() if execute else []) -%}
        {%- if node.resource_type == 'model' and node.name == 'stg_' ~ raw_table -%}
            {%- for column in node.columns.values() %}
            or cast({{ raw_table }}.{{ column.name }} as {{ column.data_type }})
            is distinct from {{ raw_table }}.{{ column.name }}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- A hint that brings the rows of a user together, as the marts have them; once, for many steps. -#}
{% macro users_together() -%}
    {{ return(adapter.dispatch('users_together')()) }}
{%- endmacro %}

{% macro default__users_together() -%}
{%- endmacro %}

{% macro spark__users_together() -%}
    /*+ repartition({{ user_buckets() }}, user_id) */
{%- endmacro %}

{#-
    A hint that a bucket of each of these relations fits into memory. Spark does not know the size
    of a table in spans and would sort all rows that it joins, the widest too.
-#}
{% macro small_relations() -%}
    {{ return(adapter.dispatch('small_relations')(varargs)) }}
{%- endmacro %}

{% macro default__small_relations(relations) -%}
{%- endmacro %}

{% macro spark__small_relations(relations) -%}
    /*+ shuffle_hash({{ relations | join(', ') }}) */
{%- endmacro %}

{#-
    Columns of a row as one value, which differs where one of them does. What is joined instead of
    fifty columns takes a tenth of the memory. Spark's hashes leave out what is null.
-#}
{% macro as_one_value(columns) -%}
    {{ return(adapter.dispatch('as_one_value')(columns)) }}
{%- endmacro %}

{% macro duckdb__as_one_value(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__as_one_value(columns) -%}
    struct({{ columns | join(', ') }})
{%- endmacro %}

{#-
    A day as a key of a join beside a user: two INTEGERs are one 64-bit number to Spark, which it
    finds faster than an INTEGER and a DATE.
-#}
{% macro day_as_key(day) -%}
    {{ return(adapter.dispatch('day_as_key')(day)) }}
{%- endmacro %}

{% macro default__day_as_key(day) -%}
    {{ day }}
{%- endmacro %}

{% macro spark__day_as_key(day) -%}
    unix_date({{ day }})
{%- endmacro %}
