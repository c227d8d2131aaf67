{#-
    The event types that make a day an active day, as a list of SQL literals. Models are compiled
    before validate_vars runs, so a value that is no list has to pass here.
-#}
{% macro engagement_event_types() -%}
    {%- set event_types = var('engagement_event_types') -%}
    '{{ event_types | join("', '") if event_types is iterable else event_types }}'
{%- endmacro %}
