{#-
    Every value is null or finite and between the bounds. A NaN or an infinity fails also without
    bounds: both engines order NaN above infinity, which is above the largest DOUBLE.
-#}
{% test accepted_range(
    model,
    column_name,
    min_value='-1.7976931348623157e308',
    max_value='1.7976931348623157e308',
    min_is_allowed=true
) %}
    select {{ column_name }}
    from {{ model }}
    where
        not {{ column_name }} between {{ min_value }} and {{ max_value }}
        {%- if not min_is_allowed %}
        or {{ column_name }} = {{ min_value }}
        {%- endif %}
{% endtest %}
