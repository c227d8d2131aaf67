{{ whole_mart() }}

with labels as (
    select * from {{ ref('churn_labels') }}
),

labelled_days as (
    select labels.as_of_date
    from labels
    group by labels.as_of_date
),

numbered_days as (
    select
        labelled_days.as_of_date,
        row_number() over (order by labelled_days.as_of_date desc) as number_from_the_end,
        count(*) over () as number_of_days
    from labelled_days
),

test_period as (
    select min(numbered_days.as_of_date) as first_test_day
    from numbered_days
    where
        numbered_days.number_from_the_end
        <= greatest(1, cast(floor(numbered_days.number_of_days / 5) as bigint))
),

embargo_period as (
    select
        test_period.first_test_day,
        {{ day_labelled_by('test_period.first_test_day') }}
            as first_embargo_day
    from test_period
),

final as (
    select
        labelled_days.as_of_date,
        case
            when labelled_days.as_of_date >= embargo_period.first_test_day then 'test'
            when labelled_days.as_of_date >= embargo_period.first_embargo_day then 'embargo'
            else 'train'
        end as split
    from labelled_days
    cross join embargo_period
)

select * from final
