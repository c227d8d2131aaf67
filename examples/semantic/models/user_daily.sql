select * from {{ source('published', 'user_daily') }}
