-- Did the experiment change churn and activity?
-- Treatment minus control with the ends of a 95 % confidence interval. churned: the share of users
-- without an active day in the last label window; active_share: the mean over users of their share
-- of active days. All users count who are in a group and, for churned, signed up before the last
-- label window. Where nobody was assigned to groups, the verdict says so.
{{ find_assignments() }}

with assignments as (
    select * from query(getvariable('assignments'))
),

churn_labels as (
    select * from {{ ref('churn_labels') }}
),

user_daily as (
    select * from {{ ref('user_daily') }}
),

measured as (
    select
        'churned' as outcome,
        churn_labels.user_id,
        churn_labels.churn_label as measure
    from churn_labels
    where
        churn_labels.as_of_date
        = (select max(every_day.as_of_date) from churn_labels as every_day)
    union all
    select
        'active_share' as outcome,
        user_daily.user_id,
        avg(user_daily.is_active_day) as measure
    from user_daily
    group by user_daily.user_id
),

-- A sum of DOUBLE depends in its last bit on the order of its terms, hence the order by.
grouped as (
    select
        measured.outcome,
        assignments.treatment_group,
        count(*) as users,
        sum(measured.measure order by measured.user_id) as total,
        avg(measured.measure order by measured.user_id) as average,
        {{ z_95() }} * stddev_samp(measured.measure order by measured.user_id) / sqrt(count(*))
            as half_width
    from measured
    inner join assignments on measured.user_id = assignments.user_id
    group by measured.outcome, assignments.treatment_group
),

-- Wilson's interval for a share of users, the normal one for a mean.
bounded as (
    select
        grouped.outcome,
        grouped.treatment_group,
        grouped.users,
        grouped.average,
        case
            when grouped.outcome = 'churned'
                then {{ wilson_bound('grouped.total', 'grouped.users', '-') }}
            else grouped.average - grouped.half_width
        end as low,
        case
            when grouped.outcome = 'churned'
                then {{ wilson_bound('grouped.total', 'grouped.users', '+') }}
            else grouped.average + grouped.half_width
        end as high
    from grouped
),

-- Newcombe's interval: the distances to the ends of the two intervals, squared and added.
compared as (
    select
        outcomes.outcome,
        control.users as control_users,
        treated.users as treated_users,
        control.average as control,
        treated.average as treatment,
        treated.average - control.average as difference,
        treated.average - control.average
        - sqrt(power(treated.average - treated.low, 2) + power(control.high - control.average, 2))
            as low,
        treated.average - control.average
        + sqrt(power(treated.high - treated.average, 2) + power(control.average - control.low, 2))
            as high
    from (values ('churned'), ('active_share')) as outcomes (outcome)
    left join bounded as control
        on
            outcomes.outcome = control.outcome
            and control.treatment_group = 'control'
    left join bounded as treated
        on
            outcomes.outcome = treated.outcome
            and treated.treatment_group = 'treatment'
)

select
    compared.outcome,
    coalesce(compared.control_users, 0) as control_users,
    coalesce(compared.treated_users, 0) as treated_users,
    round(compared.control, 4) as control,
    round(compared.treatment, 4) as treatment,
    round(compared.difference, 4) as difference,
    round(compared.low, 4) as low,
    round(compared.high, 4) as high,
    case
        when not exists (select 1 from assignments)
            then 'no experiment: raw.experiment_assignments is missing or empty'
        when compared.low is null or compared.high is null then 'a group has too few users'
        when compared.low > 0 then 'higher with the treatment'
        when compared.high < 0 then 'lower with the treatment'
        else 'no effect shown'
    end as verdict
from compared
order by compared.outcome desc
