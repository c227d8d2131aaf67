{{ config(severity='warn') }}

-- A short observation window leaves no day to train on; more days or a shorter label window help.
with splits as (
    select * from {{ ref('training_splits') }}
)

select count(*) as number_of_train_days
from splits
where splits.split = 'train'
having count(*) = 0
