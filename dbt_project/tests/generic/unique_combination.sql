{#-
    Several columns together are a key: no combination stands twice. Where the database holds them
    to be its primary key, no row has to be looked at.
-#}
{% test unique_combination(model, columns) %}
    select
        {{ columns | join(', ') }},
        count(*) as number_of_rows
    from {{ model }}
    {{ 'where false' if execute and is_key(model, columns) }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
