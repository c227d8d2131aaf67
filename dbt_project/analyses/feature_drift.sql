-- Do the users to score still look like those that a model learns from?
-- Population stability index of each feature, of scoring_dataset against the train split. The bins
-- of a number end at the train split's deciles, equal ones merged; each text is a bin, and so is no
-- value. A share of 0 counts as 0.0001. Below 0.1 hardly anything moved, above 0.25 much did.
-- days_since_signup drifts by construction: the users to score are later in their lives.
{%- set texts = ['plan', 'country', 'marketing_source'] %}
{%- set numbers = (daily_columns() + window_columns())
    | reject('in', texts + ['user_id', 'as_of_date', 'signup_date']) | list %}
with compared as (
    select
        'train' as part,
        {{ feature_columns('training_dataset') | indent(4) }}
    from {{ ref('training_dataset') }} as training_dataset
    inner join {{ ref('training_splits') }} as training_splits
        on training_dataset.as_of_date = training_splits.as_of_date
    where training_splits.split = 'train'
    union all
    select
        'scoring' as part,
        {{ feature_columns('scoring_dataset') | indent(4) }}
    from {{ ref('scoring_dataset') }} as scoring_dataset
),

-- One row per user-day and feature.
each_number as (
    select *
    from (
        select
            {%- for number in numbers %}
            cast(compared.{{ number }} as double) as {{ number }},
            {%- endfor %}
            compared.part
        from compared
    )
    unpivot include nulls (number for feature in (columns(* exclude (part))))
),

each_text as (
    select *
    from (
        select
            {%- for text in texts %}
            compared.{{ text }},
            {%- endfor %}
            compared.part
        from compared
    )
    unpivot include nulls (bin for feature in (columns(* exclude (part))))
),

-- How often each number occurs.
numbers as (
    select
        each_number.part,
        each_number.feature,
        each_number.number,
        count(*) as user_days
    from each_number
    group by each_number.part, each_number.feature, each_number.number
),

ranked as (
    select
        numbers.feature,
        numbers.number,
        numbers.user_days,
        sum(numbers.user_days) over (partition by numbers.feature order by numbers.number) as up_to,
        sum(numbers.user_days) over (partition by numbers.feature) as total
    from numbers
    where
        numbers.part = 'train'
        and numbers.number is not null
),

-- The values at which another tenth of the train split is reached.
edges as (
    select
        ranked.feature,
        ranked.number
    from ranked
    where
        least(10 * ranked.up_to // ranked.total, 9)
        > 10 * (ranked.up_to - ranked.user_days) // ranked.total
),

bins as (
    select
        numbers.part,
        numbers.feature,
        case when numbers.number is not null then cast(count(edges.number) as varchar) end as bin,
        numbers.user_days
    from numbers
    left join edges
        on
            numbers.feature = edges.feature
            and numbers.number > edges.number
    group by numbers.part, numbers.feature, numbers.number, numbers.user_days
    union all
    select
        each_text.part,
        each_text.feature,
        each_text.bin,
        count(*) as user_days
    from each_text
    group by each_text.part, each_text.feature, each_text.bin
),

counted as (
    select
        bins.feature,
        bins.bin,
        coalesce(sum(case when bins.part = 'train' then bins.user_days end), 0) as train_days,
        coalesce(sum(case when bins.part = 'scoring' then bins.user_days end), 0) as scoring_days
    from bins
    group by bins.feature, bins.bin
),

shares as (
    select
        counted.feature,
        counted.bin,
        coalesce(nullif(counted.train_days / sum(counted.train_days) over feature, 0), 0.0001)
            as train_share,
        coalesce(nullif(counted.scoring_days / sum(counted.scoring_days) over feature, 0), 0.0001)
            as scoring_share
    from counted
    window feature as (partition by counted.feature)
    qualify
        sum(counted.train_days) over feature > 0
        and sum(counted.scoring_days) over feature > 0
)

-- A sum of DOUBLE depends in its last bit on the order of its terms, hence the order by.
select
    shares.feature,
    round(
        sum(
            (shares.scoring_share - shares.train_share)
            * ln(shares.scoring_share / shares.train_share)
            order by shares.bin
        ),
        4
    ) as stability_index,
    count(*) as bins
from shares
group by shares.feature
order by stability_index desc, shares.feature asc
