{#-
    A mart's primary key is added when its rows are in: an index that is built at once takes half
    the time of one that grows row by row. Columns keep their NOT NULL and CHECK from the start.
-#}
{% macro duckdb__get_table_columns_and_constraints() -%}
    ({{ adapter.render_raw_columns_constraints(raw_columns=model['columns']) | join(', ') }})
{%- endmacro %}

{% macro duckdb__create_table_as(temporary, relation, compiled_code) -%}
    {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, *varargs, **kwargs) }}
    {%- if config.get('contract').enforced and not temporary %}
    {%- for constraint in adapter.render_raw_model_constraints(model['constraints']) %}
    alter table {{ relation }} add {{ constraint }};
    {%- endfor %}
    {%- endif %}
{%- endmacro %}
