{#- The date some whole days after a day, and the one before it. -#}
{% macro plus_days(day, number_of_days) -%}
    cast({{ day }} + interval '{{ number_of_days }}' day as date)
{%- endmacro %}

{% macro minus_days(day, number_of_days) -%}
    cast({{ day }} - interval '{{ number_of_days }}' day as date)
{%- endmacro %}
