{#-
    What takes too long to recompute for every day is recomputed on some: the last day and the
    first of every month. A formula that is wrong is wrong on those as well.
-#}
{% macro is_sampled_day(day, last_day) -%}
    ({{ day }} = {{ last_day }} or extract(day from {{ day }}) = 1)
{%- endmacro %}
