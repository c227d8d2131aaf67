{{ config(materialized='ephemeral') }}

with scored_quizzes as (
    select
        {{ users_together() }}
        events.user_id,
        events.event_date as as_of_date,
        {{ scaled('events.quiz_score') }} as quiz_score_scaled
    from {{ ref('stg_events') }} as events
    where
        events.event_type = 'quiz_attempt'
        and events.quiz_score is not null
),

final as (
    select
        scored_quizzes.user_id,
        scored_quizzes.as_of_date,
        cast(count(*) as integer) as quiz_scores_count,
        cast(sum(scored_quizzes.quiz_score_scaled) as bigint) as quiz_scores_scaled
    from scored_quizzes
    group by scored_quizzes.user_id, scored_quizzes.as_of_date
)

select * from final
