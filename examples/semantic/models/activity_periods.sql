select * from {{ source('published', 'activity_periods') }}
