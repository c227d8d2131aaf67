{#- Where the SQL of the models differs between DuckDB and Spark. -#}

{#- One row for each day from first_day to last_day; first_day must not be after last_day. -#}
{% macro each_day(first_day, last_day) -%}
    {{ return(adapter.dispatch('each_day')(first_day, last_day)) }}
{%- endmacro %}

{% macro default__each_day(first_day, last_day) -%}
    cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval '1' day)) as date)
{%- endmacro %}

{% macro spark__each_day(first_day, last_day) -%}
    explode(sequence({{ first_day }}, {{ last_day }}, interval '1' day))
{%- endmacro %}

{#- Whole days from one date to another, as an INTEGER. -#}
{% macro days_between(earlier_day, later_day) -%}
    {{ return(adapter.dispatch('days_between')(earlier_day, later_day)) }}
{%- endmacro %}

{% macro default__days_between(earlier_day, later_day) -%}
    cast({{ later_day }} - {{ earlier_day }} as integer)
{%- endmacro %}

{% macro spark__days_between(earlier_day, later_day) -%}
    datediff({{ later_day }}, {{ earlier_day }})
{%- endmacro %}

{#- A 64-bit integer shifted right by some bits. -#}
{% macro shifted_right(value, bits) -%}
    {{ return(adapter.dispatch('shifted_right')(value, bits)) }}
{%- endmacro %}

{% macro default__shifted_right(value, bits) -%}
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
