{{ history_test() }}
-- Each table that a load brought rows into is in load_profile, and no other: tests that pass on the
-- load_profile of an earlier load would let it be published.

with loads as (
    {{ select_profiles() | indent(4) }}
),

expected as (
    select
        loads.load_id,
        unnest(json_keys(loads.profile)) as table_name
    from loads
),

found as (
    select distinct
        load_profile.load_id,
        load_profile.table_name
    from {{ ref('load_profile') }} as load_profile
)

select
    coalesce(expected.load_id, found.load_id) as load_id,
    coalesce(expected.table_name, found.table_name) as table_name
from expected
full outer join found
    on expected.load_id = found.load_id and expected.table_name = found.table_name
where
    expected.load_id is null
    or found.load_id is null
