{#-
    Minutes, scores and amounts have at most four decimals. They are summed as whole
    ten-thousandths, so that a sum does not depend on the order of its terms, and become DOUBLE
    once, by one division.
-#}
{% macro scaled(value) -%}
    cast(round({{ value }} * 10000) as bigint)
{%- endmacro %}

{% macro unscaled(scaled_sum) -%}
    cast({{ scaled_sum }} as double) / 10000
{%- endmacro %}

{#- Null where nothing was counted, on every engine. -#}
{% macro unscaled_mean(scaled_sum, row_count) -%}
    cast({{ scaled_sum }} as double) / nullif(cast({{ row_count }} as bigint) * 10000, 0)
{%- endmacro %}
