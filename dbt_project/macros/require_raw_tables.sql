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
        {%- do adapter.commit() -%}  {#- looking up tables opened a transaction -#}
    {%- endif -%}
{%- endmacro %}

{% macro warehouse_name() -%}
    {{ return(target.path or target.name) }}
{%- endmacro %}
