{#-
    The window that the label of a day D looks at: label_gap_days days after D are skipped, the
    label_window_days days after them count. Its first day is D + gap + 1, its last D + gap +
    window. Nothing else does this arithmetic. Models are compiled before validate_vars runs, so a
    value that is no number has to pass here.
-#}
{% macro label_gap_days() -%}
    {{ return(var('label_gap_days') | int) }}
{%- endmacro %}

{#- How far a label looks ahead, and so how far an event reaches back in the labels. -#}
{% macro label_reach_days() -%}
    {{ return(label_gap_days() + (var('label_window_days') | int)) }}
{%- endmacro %}

{#- The day whose label window ends with a day. -#}
{% macro day_labelled_by(day) -%}
    {{ minus_days(day, label_reach_days()) }}
{%- endmacro %}

{#-
    The first of the label_window_days days that end with a day: the last day on which a churn can
    be seen to start, as the whole window without activity has to be seen.
-#}
{% macro first_day_of_last_window(last_day) -%}
    {{ minus_days(last_day, (var('label_window_days') | int) - 1) }}
{%- endmacro %}
