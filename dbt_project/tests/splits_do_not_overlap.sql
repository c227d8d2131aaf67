-- No label window of a train day reaches into the test period, and the splits stand in time order.
with splits as (
    select * from {{ ref('training_splits') }}
),

test_period as (
    select min(splits.as_of_date) as first_test_day
    from splits
    where splits.split = 'test'
)

select
    splits.as_of_date,
    splits.split,
    test_period.first_test_day
from splits
cross join test_period
where
    test_period.first_test_day is null
    or (
        splits.split = 'train'
        and {{ plus_days('splits.as_of_date', var('label_window_days')) }}
        >= test_period.first_test_day
    )
    or (splits.split = 'embargo' and splits.as_of_date >= test_period.first_test_day)
    or (splits.split = 'test' and splits.as_of_date < test_period.first_test_day)
