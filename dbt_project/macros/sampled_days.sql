{#-
    What takes too long to recompute for every day is recomputed on some: the last day and the
    first of every month. A formula that is wrong is wrong on those as well.
-#}
{% macro is_sampled_day(day, last_day) -%}
    ({{ day }} = {{ last_day }} or extract(day from {{ day }}) = 1)
{%- endmacro %}

{#- The sampled day that a day is, or else the next one. -#}
{% macro next_sampled_day(day, last_day) -%}
    least({{ plus_days('last_day(' ~ minus_days(day, 1) ~ ')', 1) }}, {{ last_day }})
{%- endmacro %}
