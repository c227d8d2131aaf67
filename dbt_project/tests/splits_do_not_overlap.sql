-- The splits stand in time order: test is the last fifth of the labelled days, at least one day;
-- embargo is the label_gap_days + label_window_days calendar days before it, so that no label
-- window of a train day reaches into the test period; train is the rest.
with splits as (
    select * from {{ ref('training_splits') }}
),

test_period as (
    select
        min(case when splits.split = 'test' then splits.as_of_date end) as first_test_day,
        count(case when splits.split = 'test' then 1 end) as number_of_test_days,
        count(*) as number_of_days
    from splits
)

select
    splits.as_of_date,
    splits.split,
    test_period.first_test_day
from splits
cross join test_period
where
    test_period.number_of_test_days = 0
    or (
        test_period.number_of_test_days > 1
        and test_period.number_of_test_days * 5 > test_period.number_of_days
    )
    or (test_period.number_of_test_days + 1) * 5 <= test_period.number_of_days
    or splits.split != case
        when splits.as_of_date >= test_period.first_test_day then 'test'
        when
            {{ plus_days(
                plus_days('splits.as_of_date', var('label_gap_days')), var('label_window_days')
            ) }} >= test_period.first_test_day
            then 'embargo'
        else 'train'
    end
