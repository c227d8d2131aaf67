-- The time spine that MetricFlow asks for: every day of the observation window.
{{ config(materialized='table') }}

select distinct as_of_date as day
from {{ source('published', 'user_daily') }}
