{#-
    The metrics, each defined once. The ready queries are made of these macros; what the report and
    the dashboard of examples/superset compute is held equal to them by tests/dbt/test_metrics.py.
    Rows are given by the name of a relation with the columns of the mart; without a name the
    columns stand alone.
-#}

{#- Users with at least one active day, each counted once; rows of user_daily. -#}
{% macro active_users(rows='') -%}
    count(distinct case when {{ rows ~ '.' if rows }}is_active_day = 1 then {{ rows ~ '.' if rows }}user_id end)
{%- endmacro %}

{#- Share of labelled user-days that a whole label window without activity follows; rows of training_dataset. -#}
{% macro label_rate(rows='') -%}
    avg({{ rows ~ '.' if rows }}churn_label)
{%- endmacro %}

{#-
    Share of users whose last period of use has ended, of those of whom one can tell; rows of
    activity_periods, all of a user's or none. The gap of the labels changes nothing.
-#}
{% macro observed_churn(rows='') -%}
    (count(distinct {{ rows ~ '.' if rows }}user_id) - count(distinct case when {{ rows ~ '.' if rows }}churn_observed = 0 then {{ rows ~ '.' if rows }}user_id end)) / nullif(count(distinct case when {{ rows ~ '.' if rows }}duration_days is not null then {{ rows ~ '.' if rows }}user_id end), 0)
{%- endmacro %}

{#- Amount of all successful payments; rows of user_daily. -#}
{% macro revenue(rows='') -%}
    sum({{ exact((rows ~ '.' if rows else '') ~ 'amount_paid_sum') }})
{%- endmacro %}

{#-
    Share of users with at least one active day; rows of user_daily of one signup week and one later
    week that is observed whole.
-#}
{% macro retention(rows='') -%}
    {{ active_users(rows) }} / count(distinct {{ rows ~ '.' if rows }}user_id)
{%- endmacro %}

{#- The Monday of a day's week. -#}
{% macro week_of(day) -%}
    cast(date_trunc('week', {{ day }}) as date)
{%- endmacro %}

{#- Whether the rows of a week are of all its days. -#}
{% macro is_whole_week(day) -%}
    count(distinct {{ day }}) = 7
{%- endmacro %}
