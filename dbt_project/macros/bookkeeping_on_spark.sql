{#-
    What an incremental build has to redo on Spark: whole spans of days, because a mart is written
    by spans. Every build compares a fingerprint of each event_date and of the users of each
    signup_date with the one it kept, and redoes all days from the span of the first that differs;
    a user's days begin at the signup, so a changed user is a changed signup_date. What becomes of
    users is compared by valid_from.

    Parquet tables have no transactions, but the catalog changes a table's properties in one step.
    So the first day that a mart has to redo is a property of its table: it is set before the new
    fingerprints are kept, goes when the days are redone, and is lost only with the table.
-#}

{%- macro outdated_from_property() -%}{{ return('elearn.outdated_from') }}{%- endmacro -%}

{#- The value of the property for a mart of which nothing can be kept. -#}
{%- macro beginning() -%}{{ return('0001-01-01') }}{%- endmacro -%}

{% macro spark__find_outdated_rows() -%}
    {%- if execute -%}
        {%- set is_first_build = adapter.get_relation(none, 'bookkeeping', 'days') is none -%}
        {%- do run_query('create schema if not exists bookkeeping') -%}
        {%- for table in ['days', 'days_now'] -%}
            {%- do run_query(
                'create table if not exists bookkeeping.' ~ table
                ~ ' (kind string, day date, fingerprint string) using parquet'
            ) -%}
        {%- endfor -%}
        {%- do run_query(
            'insert overwrite table bookkeeping.days_now ' ~ fingerprints_by_day()
        ) -%}
        {%- set days = {'first_changed_day': beginning()} if is_first_build
            else run_query(changed_days()).rows[0] -%}
        {%- for mart, about in incremental_marts().items() if days.first_changed_day -%}
            {%- do mark_outdated(stored_spans(mart), days, about.days_back) -%}
        {%- endfor -%}
        {%- do run_query(
            'insert overwrite table bookkeeping.days select * from bookkeeping.days_now'
        ) if days.first_changed_day -%}
    {%- endif -%}
{%- endmacro %}

{% macro fingerprints_by_day() -%}
    select
        'event' as kind,
        events.event_date as day,
        {{ fingerprint('events', source_columns('events')) }} as fingerprint
    from {{ source('raw', 'events') }} as events
    group by events.event_date
    union all
    select
        'signup' as kind,
        users.signup_date as day,
        {{ fingerprint('users', source_columns('users') | reject('equalto', 'engagement_score')) }}
            as fingerprint
    from {{ source('raw', 'users') }} as users
    group by users.signup_date
    union all
    select
        'change' as kind,
        user_changes.valid_from as day,
        {{ fingerprint('user_changes', source_columns('user_changes')) }} as fingerprint
    from {{ source('raw', 'user_changes') }} as user_changes
    group by user_changes.valid_from
    union all
    select
        'inputs' as kind,
        cast(null as date) as day,
        '{{ build_inputs() }} {{ user_buckets() }}' as fingerprint
{%- endmacro %}

{#- The hash skips a null, so it takes whether there is one as well. -#}
{% macro fingerprint(relation, columns) -%}
    concat(count(*), ':', sum(cast(xxhash64(
        {%- for column in columns %}
        {{ relation }}.{{ column }}, {{ relation }}.{{ column }} is null{{ ',' if not loop.last }}
        {%- endfor %}
    ) as decimal(38, 0))))
{%- endmacro %}

{% macro source_columns(table_name) -%}
    {%- set found = namespace(columns=[]) -%}
    {%- for table in graph.sources.values() -%}
        {%- if table.source_name == 'raw' and table.name == table_name -%}
            {%- set found.columns = table.columns.keys() | list -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.columns) }}
{%- endmacro %}

{#-
    The first day to redo, null for none, and the last days of the events now and at the last build,
    as texts. A last day that moved on makes rows on all days since; other vars or models, another
    first day and a last day that moved back leave nothing.
-#}
{% macro changed_days() -%}
    with changes as (
        select
            coalesce(days_now.kind, days.kind) as kind,
            coalesce(days_now.day, days.day) as day
        from bookkeeping.days_now
        full join bookkeeping.days
            on days_now.kind = days.kind and days_now.day is not distinct from days.day
        where days_now.fingerprint is distinct from days.fingerprint
    ),

    first_changes as (
        select
            min(changes.day) as first_day,
            max(case when changes.kind = 'inputs' then 1 end) as inputs_changed
        from changes
    ),

    windows as (
        select
            (select min(day) from bookkeeping.days_now where kind = 'event') as first_day,
            (select max(day) from bookkeeping.days_now where kind = 'event') as last_day,
            (select min(day) from bookkeeping.days where kind = 'event') as kept_first_day,
            (select max(day) from bookkeeping.days where kind = 'event') as kept_last_day
    )

    select
        case
            when
                first_changes.inputs_changed = 1
                or windows.first_day is distinct from windows.kept_first_day
                or windows.last_day < windows.kept_last_day
                or first_changes.first_day <= windows.first_day
                then '{{ beginning() }}'
            else cast(least(
                first_changes.first_day,
                case
                    when windows.last_day > windows.kept_last_day
                        then {{ plus_days('windows.kept_last_day', 1) }}
                end
            ) as string)
        end as first_changed_day,
        cast(windows.kept_last_day as string) as kept_last_day,
        cast(windows.last_day as string) as last_day
    from first_changes
    cross join windows
{%- endmacro %}

{#- A mart that is not there will be made whole. -#}
{% macro mark_outdated(spans, days, days_back) -%}
    {%- if spans is not none -%}
        {%- set first_day = first_day_to_redo(first_days_of_spans(spans), days, days_back) -%}
        {%- do set_outdated_from(spans, [first_day, outdated_from(spans) or first_day] | min) -%}
    {%- endif -%}
{%- endmacro %}

{% macro days_before(day, number_of_days) -%}
    {%- set date, timedelta = modules.datetime.date, modules.datetime.timedelta -%}
    {{ return((date.fromisoformat(day | string) - timedelta(days=number_of_days)).isoformat()) }}
{%- endmacro %}

{#-
    The first day of the span that holds the first changed day. Days after the last one that stands
    are a span of their own; once they reach into another month, the month that is over becomes one
    span, so that there are never more spans than the months and the days of one. The last day that
    stands is that of the events, or the var last_day, which may lie after it.
-#}
{% macro first_day_to_redo(first_days, days, days_back) -%}
    {%- if days.first_changed_day == beginning() or days.kept_last_day is none -%}
        {{ return(beginning()) }}
    {%- endif -%}
    {%- set changed_day = days_before(days.first_changed_day, days_back) -%}
    {%- set kept_last_day = days_before(var('last_day') or days.kept_last_day, days_back) -%}
    {%- set last_day = days_before(var('last_day') or days.last_day, days_back) -%}
    {%- if changed_day > kept_last_day and last_day[:7] == kept_last_day[:7] -%}
        {{ return(changed_day) }}
    {%- endif -%}
    {%- set held_day = [changed_day, kept_last_day[:8] ~ '01'] | min
        if changed_day > kept_last_day else changed_day -%}
    {%- set found = [beginning()] -%}
    {%- for first_day in first_days if first_day <= held_day -%}
        {%- do found.append(first_day) -%}
    {%- endfor -%}
    {{ return(found | max) }}
{%- endmacro %}

{% macro set_outdated_from(spans, day) -%}
    {%- do run_query(
        'alter table ' ~ spans ~ " set tblproperties ('" ~ outdated_from_property() ~ "' = '" ~ day
        ~ "')"
    ) -%}
{%- endmacro %}

{#- The first day that a table of spans has to redo as a text, none when it is up to date. -#}
{% macro outdated_from(spans) -%}
    {%- set properties = dict(run_query('show tblproperties ' ~ spans).rows | map('list')) -%}
    {{ return(properties.get(outdated_from_property())) }}
{%- endmacro %}

{% macro spark__everything_is_outdated() -%}
    {%- set spans = stored_spans(model.name) -%}
    {{ return(spans is not none and outdated_from(spans) == beginning()) }}
{%- endmacro %}

{% macro spark__first_outdated_day() -%}
    date '{{ outdated_from(spans_of(this)) or "9999-12-31" }}'
{%- endmacro %}

{% macro spark__outdated_users() -%}
    select
        users.user_id,
        {{ first_outdated_day() }} as first_day
    from {{ source('raw', 'users') }} as users
{%- endmacro %}

{#- As long as a parent has work left, what was made from it is not done either. -#}
{% macro spark__forget_outdated_rows() -%}
    {%- if execute -%}
        {%- set spans = spans_of(this) -%}
        {%- set waiting = namespace(is_true=false) -%}
        {%- for parent in incremental_marts()[model.name].parents -%}
            {%- set of_parent = stored_spans(parent) -%}
            {%- if of_parent is none or outdated_from(of_parent) -%}
                {%- set waiting.is_true = true -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not waiting.is_true -%}
            alter table {{ spans }} unset tblproperties if exists ('{{ outdated_from_property() }}')
        {%- elif not outdated_from(spans) -%}
            {%- do set_outdated_from(spans, beginning()) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
