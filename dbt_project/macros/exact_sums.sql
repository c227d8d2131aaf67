{#-
    The mean of measures from the sum of exact() of them, for tests: over decimals and not over
    whole ten-thousandths as in the models, and equal to theirs to the last bit all the same. Null
    where nothing was counted.
-#}
{% macro exact_mean(exact_sum, row_count) -%}
    cast({{ exact_sum }} * 10000 as double) / nullif({{ row_count }} * 10000, 0)
{%- endmacro %}
