-- An engine that wraps silently may cut a sum or a count to its type. No history of a user, which
-- the running sums hold, exceeds 2^51 ten-thousandths or the half of a packed pair, 2^31 - 1.
with events as (
    select * from {{ ref('stg_events') }}
),

histories as (
    select
        events.user_id,
        count(*) as number_of_events,
        sum(cast(events.watch_minutes * 10000 as decimal(38, 0))) as watch_minutes_scaled,
        sum(cast(events.quiz_score * 10000 as decimal(38, 0))) as quiz_scores_scaled,
        sum(cast(events.amount * 10000 as decimal(38, 0))) as amounts_scaled
    from events
    group by events.user_id
)

select *
from histories
where
    number_of_events > 2147483647
    or greatest(watch_minutes_scaled, quiz_scores_scaled, amounts_scaled) > 2251799813685248
