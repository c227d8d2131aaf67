-- How many go from enrolling in a course to watching it to its quizzes?
-- Of the users with any event in the course: enrolled; of these, those who watched after they had
-- enrolled; of these, those who took a quiz after they had watched. Each share is of the step
-- before it.
with events as (
    select * from {{ source('raw', 'events') }}
),

learners as (
    select
        events.course_name,
        events.user_id,
        min(case when events.event_type = 'course_enroll' then events.event_time end)
            as enrolled_at
    from events
    where events.course_name is not null
    group by events.course_name, events.user_id
),

watched as (
    select
        learners.course_name,
        learners.user_id,
        min(events.event_time) as watched_at
    from learners
    inner join events
        on
            learners.course_name = events.course_name
            and learners.user_id = events.user_id
            and learners.enrolled_at <= events.event_time
    where events.event_type = 'video_watch'
    group by learners.course_name, learners.user_id
),

took_quiz as (
    select distinct
        watched.course_name,
        watched.user_id
    from watched
    inner join events
        on
            watched.course_name = events.course_name
            and watched.user_id = events.user_id
            and watched.watched_at <= events.event_time
    where events.event_type = 'quiz_attempt'
)

select
    learners.course_name,
    count(*) as users,
    count(learners.enrolled_at) as enrolled,
    count(watched.user_id) as watched,
    count(took_quiz.user_id) as took_quiz,
    round(count(watched.user_id) / nullif(count(learners.enrolled_at), 0), 3) as watched_share,
    round(count(took_quiz.user_id) / nullif(count(watched.user_id), 0), 3) as took_quiz_share
from learners
left join watched
    on
        learners.course_name = watched.course_name
        and learners.user_id = watched.user_id
left join took_quiz
    on
        watched.course_name = took_quiz.course_name
        and watched.user_id = took_quiz.user_id
group by learners.course_name
order by learners.course_name
