{#- A condition holds for every row; as in a CHECK constraint, an unknown outcome passes. -#}
{% test expression_is_true(model, expression) %}
    select *
    from {{ model }}
    where not ({{ expression }})
{% endtest %}
