-- What share of users has churned, by plan, country and source?
-- The users are those active on a day that a whole label window follows, so that their churn could
-- be seen; churned are those without an active day in the last label window. Plan, country and
-- source are those at the signup. low and high are the ends of a 95 % confidence interval: segments
-- whose intervals overlap widely do not differ.
with observed_users as (
    {{ observed_users() }}
),

segments as (
    select
        'all' as attribute,
        'all' as segment,
        observed_users.has_churned
    from observed_users
    {%- for attribute in ['plan', 'country', 'marketing_source'] %}
    union all
    select
        '{{ attribute }}' as attribute,
        observed_users.{{ attribute }} as segment,
        observed_users.has_churned
    from observed_users
    {%- endfor %}
),

counted as (
    select
        segments.attribute,
        segments.segment,
        count(*) as users,
        count(case when segments.has_churned = 1 then 1 end) as churned_users
    from segments
    group by segments.attribute, segments.segment
)

select
    counted.attribute,
    counted.segment,
    counted.users,
    counted.churned_users,
    round(counted.churned_users / counted.users, 3) as churn_rate,
    round({{ wilson_bound('counted.churned_users', 'counted.users', '-') }}, 3) as low,
    round({{ wilson_bound('counted.churned_users', 'counted.users', '+') }}, 3) as high
from counted
order by counted.attribute, counted.segment
