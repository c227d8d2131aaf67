{#-
    Every NOT NULL and CHECK of the model's contract holds, in one scan. An engine that ignores
    constraints is held to them all the same, and a constraint cannot be without a test. (Primary
    keys have tests of their own.)
-#}
{% test constraints_hold(model) %}
    {%- set broken_when = [] -%}
    {%- if execute -%}
        {%- set tested = graph.nodes[context.model.attached_node] -%}
        {%- for column in tested.columns.values() -%}
            {%- for constraint in column.constraints -%}
                {%- if constraint.type == 'not_null' -%}
                    {%- do broken_when.append(column.name ~ ' is null') -%}
                {%- elif constraint.type == 'check' -%}
                    {%- do broken_when.append('not (' ~ constraint.expression ~ ')') -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif %}
    select *
    from {{ model }}
    where
        false
        {%- for condition in broken_when %}
        or {{ condition }}
        {%- endfor %}
{% endtest %}
