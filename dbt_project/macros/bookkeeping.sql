{#-
    What an incremental build has to redo, found by content and not by trust: every build compares
    a fingerprint of each day, of each user's events and of each change of a user with the one it kept from the last build.
    So events, users and changes that came late, a load that replaced everything and rows that
    were changed by hand are all seen, whoever wrote them.

    What is found goes into bookkeeping.outdated, one row per mart, user and first day, before the
    new fingerprints are kept; a mart deletes its own rows from there in the transaction that redoes
    them. A build that is killed at any moment therefore leaves work behind, never a gap.
-#}

{#-
    Everything besides the events that the incremental marts depend on, as one fingerprint: the SQL
    of the marts, of the models that they are made from and of the macros that these use, and every
    var that is named in it.
-#}
{% macro build_inputs() -%}
    {%- set models = [] -%}
    {%- for mart in incremental_marts() if execute -%}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ mart] -%}
        {%- for needed in [node] + nodes_behind(node) if needed not in models -%}
            {%- do models.append(needed) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set code = models | map(attribute='raw_code') | sort ~ macros_behind(models) -%}
    {%- set vars = vars_in_force() -%}
    {%- set named = [] -%}
    {%- for name in vars if name in code -%}
        {%- do named.append((name, vars[name])) -%}
    {%- endfor -%}
    {{ return(local_md5(code ~ named)) }}
{%- endmacro %}

{#- A hook; dbt opens no transaction of its own around it. -#}
{% macro find_outdated_rows() -%}
    {{ adapter.dispatch('find_outdated_rows')() }}
{%- endmacro %}

{% macro duckdb__find_outdated_rows() -%}
    begin transaction;
    {{ create_bookkeeping() }};
    {{ take_fingerprints() }};
    {{ insert_outdated() }};
    {{ keep_fingerprints() }};
    commit
{%- endmacro %}

{% macro take_fingerprints() -%}
    {#- Both in one scan, as the hashes of the events take most of the time. -#}
    create or replace temporary table events_now as
    select
        hashes.event_date,
        hashes.user_id,
        grouping(hashes.event_date) = 0 as is_of_day,
        count(*) as row_count,
        sum(hashes.row_hash) as hash_sum
    from (
        select
            events.event_date,
            events.user_id,
            hash(events) as row_hash
        from {{ source('raw', 'events') }} as events
    ) as hashes
    group by grouping sets ((hashes.event_date), (hashes.user_id));

    create or replace temporary table days_now as
    select
        'raw.events' as table_name,
        events_now.event_date as day,
        events_now.row_count,
        events_now.hash_sum
    from events_now
    where events_now.is_of_day;

    create or replace temporary table users_now as
    select
        users.user_id,
        users.signup_date,
        cast(
            hash(
                users.signup_date, users.plan, users.is_paid, users.country, users.marketing_source
            ) as varchar
        ) as profile,
        coalesce(events_now.row_count || ':' || events_now.hash_sum, '') as fingerprint
    from {{ source('raw', 'users') }} as users
    left join events_now
        on users.user_id = events_now.user_id and not events_now.is_of_day;

    create or replace temporary table user_changes_now as
    select
        user_changes.user_id,
        user_changes.valid_from,
        cast(hash(user_changes) as varchar) as fingerprint
    from {{ source('raw', 'user_changes') }} as user_changes;

    create or replace temporary table build_now as
    select
        '{{ build_inputs() }}' as inputs,
        min(days_now.day) as first_day,
        max(days_now.day) as last_day,
        '{{ test_version() }} ' || version() as test_version
    from days_now
{%- endmacro %}

{% macro insert_outdated() -%}
    insert into bookkeeping.outdated
    with changed_days as (
        select coalesce(days_now.day, content.day) as day
        from days_now
        full join bookkeeping.content
            on days_now.table_name = content.table_name and days_now.day = content.day
        where
            coalesce(days_now.table_name, content.table_name) = 'raw.events'
            and (
                days_now.row_count is distinct from content.row_count
                or days_now.hash_sum is distinct from content.hash_sum
            )
    ),

    changed_users as (
        select
            coalesce(users_now.user_id, users.user_id) as user_id,
            case
                when users.user_id is null then users_now.signup_date
                else (select min(changed_days.day) from changed_days)
            end as first_day,
            users.user_id is not null and users_now.profile is distinct from users.profile
                as all_days
        from users_now
        full join bookkeeping.users on users_now.user_id = users.user_id
        where
            users_now.profile is distinct from users.profile
            or users_now.fingerprint is distinct from users.fingerprint
        union all
        select
            coalesce(user_changes_now.user_id, user_changes.user_id) as user_id,
            min(coalesce(user_changes_now.valid_from, user_changes.valid_from)) as first_day,
            false as all_days
        from user_changes_now
        full join bookkeeping.user_changes
            on
                user_changes_now.user_id = user_changes.user_id
                and user_changes_now.valid_from = user_changes.valid_from
        where user_changes_now.fingerprint is distinct from user_changes.fingerprint
        group by all
    ),

    new_days as (
        select
            users_now.user_id,
            builds.last_day + 1 as first_day,
            false as all_days
        from users_now
        cross join bookkeeping.builds
        cross join build_now
        where build_now.last_day > builds.last_day
    ),

    rewritten as (
        select count(distinct changed_users.user_id) as number_of_users
        from changed_users
        inner join build_now
            on changed_users.all_days or changed_users.first_day <= build_now.first_day
    ),

    {#-
        Another window start, fewer days or other vars: nothing that stands can be kept. And where
        most users changed from the first day on, a new table is quicker than its repair.
    -#}
    everything as (
        select
            cast(null as integer) as user_id,
            cast(null as date) as first_day,
            true as all_days
        from build_now
        left join bookkeeping.builds
            on
                build_now.inputs = builds.inputs
                and build_now.first_day = builds.first_day
                and build_now.last_day >= builds.last_day
        cross join rewritten
        where
            builds.inputs is null
            or rewritten.number_of_users * 2 > (select count(*) from users_now)
    ),

    outdated as (
        select * from changed_users
        union all
        select * from new_days
        union all
        select * from everything
    )

    {% for mart, about in incremental_marts().items() %}
    select
        '{{ mart }}' as mart,
        outdated.user_id,
        min({{ minus_days('outdated.first_day', about.days_back) }}) as first_day,
        bool_or(outdated.all_days) as all_days
    from outdated
    group by outdated.user_id
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{% macro keep_fingerprints() -%}
    delete from bookkeeping.content;
    insert into bookkeeping.content from days_now;
    delete from bookkeeping.users;
    insert into bookkeeping.users
    select users_now.user_id, users_now.profile, users_now.fingerprint from users_now;
    delete from bookkeeping.user_changes;
    insert into bookkeeping.user_changes from user_changes_now;
    delete from bookkeeping.builds;
    insert into bookkeeping.builds from build_now
{%- endmacro %}

{#- Whether the bookkeeping says that nothing of the mart can be kept. -#}
{% macro everything_is_outdated() -%}
    {{ return(adapter.dispatch('everything_is_outdated')()) }}
{%- endmacro %}

{% macro duckdb__everything_is_outdated() -%}
    {%- set kept = run_query(
        "select 1 from information_schema.tables"
        " where table_schema = 'bookkeeping' and table_name = 'outdated'"
    ) -%}
    {{ return(not kept.rows or run_query(all_outdated()).rows[0][0] > 0) }}
{%- endmacro %}

{% macro all_outdated() -%}
    select count(*) from bookkeeping.outdated
    where outdated.mart = '{{ model.name }}' and outdated.user_id is null
{%- endmacro %}

{#- The first day that any user's rows of this mart must be redone from, as a literal. -#}
{% macro first_outdated_day() -%}
    {{ adapter.dispatch('first_outdated_day')() }}
{%- endmacro %}

{% macro duckdb__first_outdated_day() -%}
    {%- set found = run_query(
        "select cast(coalesce(min(first_day), date 'infinity') as varchar) from ("
        ~ outdated_users() ~ ")"
    ) -%}
    date '{{ found.rows[0][0] }}'
{%- endmacro %}

{#- One row per user with rows to redo in this mart. -#}
{% macro outdated_users() -%}
    {{ adapter.dispatch('outdated_users')() }}
{%- endmacro %}

{% macro duckdb__outdated_users() -%}
    select
        outdated.user_id,
        case
            when bool_or(outdated.all_days) then date '-infinity' else min(outdated.first_day)
        end as first_day
    from bookkeeping.outdated
    where outdated.mart = '{{ model.name }}'
    group by outdated.user_id
{%- endmacro %}

{#- The incremental strategy `redo`: the rows of outdated users go, and come anew. -#}
{% macro get_incremental_redo_sql(arguments) -%}
    {%- do refuse_other_models() -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    delete from {{ arguments.target_relation }} as target
    using ({{ outdated_users() }}) as outdated
    where target.user_id = outdated.user_id and target.as_of_date >= outdated.first_day;

    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{%- endmacro %}

{#- As long as a parent has work left, what was made from it is not done either. -#}
{% macro forget_outdated_rows() -%}
    {{ adapter.dispatch('forget_outdated_rows')() }}
{%- endmacro %}

{% macro duckdb__forget_outdated_rows() -%}
    {%- set parents = incremental_marts()[model.name].parents -%}
    delete from bookkeeping.outdated
    where
        outdated.mart = '{{ model.name }}'
        and not exists (
            select 1 from bookkeeping.outdated as of_parents
            where of_parents.mart in ('{{ parents | join("', '") }}')
        )
{%- endmacro %}
