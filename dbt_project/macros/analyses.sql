{#- What several analyses define alike. -#}

{#-
    A measure as the decimal number that it is: a sum of DOUBLE depends in its last bit on the order
    of its terms, and a rounded mean of them then in its last digit.
-#}
{% macro exact(measure) -%}
    cast({{ measure }} as decimal(18, 4))
{%- endmacro %}

{#-
    The users of whom a churn could have been seen: active on a day that at least label_window_days
    days follow. One of them has churned when none of the last label_window_days days is active.
    Every user has a row in user_daily on the last day of the observation window. Attributes are
    those at the signup, so that a user who changes is still one user.
-#}
{% macro observed_users() -%}
    select
        user_daily.user_id,
        users.plan,
        users.country,
        users.marketing_source,
        {{ minus_days('max(user_daily.as_of_date)', var('label_window_days')) }}
            as last_labelled_day,
        min(user_daily.as_of_date) filter (where user_daily.is_active_day = 1) as first_active_day,
        max(user_daily.as_of_date) filter (where user_daily.is_active_day = 1) as last_active_day,
        cast(last_active_day <= last_labelled_day as integer) as has_churned
    from {{ ref('user_daily') }} as user_daily
    inner join {{ source('raw', 'users') }} as users on user_daily.user_id = users.user_id
    group by
        user_daily.user_id,
        users.plan,
        users.country,
        users.marketing_source
    having first_active_day <= last_labelled_day
{%- endmacro %}

{#-
    How often the label came true by recency, and which recency is a risk: one at which users
    churned at least twice as often as over all, when any churned. A row holds from its days_away up to the next
    row's, so that a user finds theirs by an asof join.
-#}
{% macro churn_by_recency() -%}
    select
        case
            {%- for days in [30, 14, 7, 3] %}
            when training_dataset.days_since_last_activity >= {{ days }} then {{ days }}
            {%- endfor %}
            else training_dataset.days_since_last_activity
        end as days_away,
        count(*) as user_days,
        {{ label_rate('training_dataset') }} as churn_rate,
        {{ label_rate('training_dataset') }} > 0
        and {{ label_rate('training_dataset') }}
        >= 2 * (select {{ label_rate('overall') }} from {{ ref('training_dataset') }} as overall)
            as is_at_risk
    from {{ ref('training_dataset') }} as training_dataset
    group by days_away
{%- endmacro %}

{#- The normal quantile of every 95 % confidence interval. -#}
{% macro z_95() -%}
    {{ return(1.96) }}
{%- endmacro %}

{#-
    The lower ('-') or upper ('+') end of Wilson's 95 % confidence interval for a share; unlike the
    normal one it holds for few trials, and for shares of 0 and 1.
-#}
{% macro wilson_bound(hits, trials, sign) -%}
    {%- set z = z_95() -%}
    {%- set squared = (z * z) | round(4) -%}
    {%- set half_width -%}
        {{ z }} * sqrt({{ hits }} * ({{ trials }} - {{ hits }}) / {{ trials }} + {{ squared / 4 }})
    {%- endset -%}
    greatest(0, ({{ hits }} + {{ squared / 2 }} {{ sign }} {{ half_width }}) / ({{ trials }} + {{ squared }}))
{%- endmacro %}

{#-
    A statement that finds out which query reads the groups of the experiment: there may be no
    table of them, and no query can name a table that does not exist.
-#}
{% macro find_assignments() -%}
set variable assignments = (
    select
        coalesce(
            max('from {{ source("raw", "experiment_assignments") }}'),
            'select 0 as user_id, '''' as treatment_group where false'
        ) as query
    from duckdb_tables() as tables
    where
        tables.database_name = current_database()
        and tables.schema_name = 'raw'
        and tables.table_name = 'experiment_assignments'
);
{%- endmacro %}
