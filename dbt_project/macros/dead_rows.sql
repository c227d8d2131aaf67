{#-
    DuckDB keeps a row that was deleted in its row group for ever where the table has a key. A mart
    whose row groups hold more than 1.25 times its rows is made anew, so that the warehouse and the
    published file stay bounded, however many late events come.
-#}

{% macro holds_dead_rows() -%}
    {{ return(adapter.dispatch('holds_dead_rows')()) }}
{%- endmacro %}

{% macro duckdb__holds_dead_rows() -%}
    {%- if config.get('full_refresh') is false or load_relation(this) is none -%}
        {{ return(false) }}
    {%- endif -%}
    {#- What DuckDB calls the estimated size counts dead rows too. -#}
    {%- set found = run_query(
        'select max(estimated_size) > 1.25 * (select count(*) from ' ~ this ~ ')'
        " from duckdb_tables() where database_name = current_database()"
        " and schema_name = '" ~ this.schema ~ "' and table_name = '" ~ this.identifier ~ "'"
    ) -%}
    {{ return(found.rows[0][0]) }}
{%- endmacro %}

{#- A lake's files hold no row that was deleted. -#}
{% macro spark__holds_dead_rows() -%}
    {{ return(false) }}
{%- endmacro %}
