{#- Check every var once, before any model runs; the message names the var and what is allowed. -#}
{% macro validate_vars() -%}
    {%- if execute -%}
        {%- do validate_days('label_window_days', 1) -%}
        {%- do validate_days('label_gap_days', 0) -%}
        {%- do validate_days('eligible_within_days', 1) -%}
        {%- do validate_observation_window(var('first_day'), var('last_day')) -%}
        {%- do validate_engagement_event_types(var('engagement_event_types')) -%}
        {%- do validate_include_inactive_users(var('include_inactive_users')) -%}
    {%- endif -%}
{%- endmacro %}

{% macro refuse_var(name, allowed) -%}
    {%- do exceptions.raise_compiler_error(
        'The var ' ~ name ~ ' is ' ~ tojson(var(name), var(name) | string) ~ '; it must be '
        ~ allowed ~ '.'
    ) -%}
{%- endmacro %}

{% macro validate_days(name, fewest) -%}
    {%- set days = var(name) -%}
    {%- if days is boolean or days is not integer or days < fewest or days > 3650 -%}
        {%- do refuse_var(name, 'a whole number of days from ' ~ fewest ~ ' to 3650') -%}
    {%- endif -%}
{%- endmacro %}

{% macro validate_observation_window(first_day, last_day) -%}
    {%- for name, day in [('first_day', first_day), ('last_day', last_day)] -%}
        {%- if day is not none and not is_iso_date(day | string) -%}
            {%- do refuse_var(name, 'null or a date written YYYY-MM-DD') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if first_day is not none and last_day is not none
        and first_day | string > last_day | string -%}
        {%- do refuse_var('first_day', 'no later than last_day, ' ~ last_day) -%}
    {%- endif -%}
{%- endmacro %}

{% macro is_iso_date(text) -%}
    {%- if not modules.re.match('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$', text) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set year, month, day = text[:4] | int, text[5:7] | int, text[8:] | int -%}
    {%- set is_leap_year = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) -%}
    {%- set february = 29 if is_leap_year else 28 -%}
    {%- set days_of_months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] -%}
    {{ return(year >= 1 and day <= days_of_months[month - 1]) }}
{%- endmacro %}

{% macro validate_engagement_event_types(event_types) -%}
    {%- set known = [
        'login', 'course_enroll', 'video_watch', 'quiz_attempt', 'payment_success',
        'payment_failed', 'support_ticket',
    ] -%}
    {%- set is_list = event_types is sequence and event_types is not string
        and event_types is not mapping -%}
    {%- if not is_list or not event_types
        or event_types | select('in', known) | list | length != event_types | length -%}
        {%- do refuse_var(
            'engagement_event_types', 'a list of at least one of ' ~ known | join(', ')
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro validate_include_inactive_users(include) -%}
    {%- if include is not boolean -%}
        {%- do refuse_var('include_inactive_users', 'true or false') -%}
    {%- endif -%}
{%- endmacro %}

{#- Names and values of all vars, of dbt_project.yml and of the command line. -#}
{% macro vars_in_force() -%}
    {%- set config = adapter.config -%}
    {%- set names = config.vars.to_dict().keys() | list + config.cli_vars.keys() | list -%}
    {%- set values = {} -%}
    {%- for name in names | unique | sort -%}
        {%- do values.update({name: var(name)}) -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro %}
