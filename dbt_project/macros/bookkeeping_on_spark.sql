{#-
    What an incremental build has to redo on Spark: whole days, because a partition of a mart is a
    day and is written whole. Every build compares a fingerprint of each event_date and of the
    users of each signup_date with the one it kept, and redoes all days from the first that
    differs; a user's days begin at the signup, so a changed user is a changed signup_date. What
    becomes of users is compared by valid_from.

    Parquet tables have no transactions, but the catalog changes a table's properties in one step.
    So the first day that a mart has to redo is a property of the mart itself: it is set before the
    new fingerprints are kept, goes when the days are redone, and is lost only with the mart.
-#}

{%- macro outdated_from_property() -%}{{ return('elearn.outdated_from') }}{%- endmacro -%}

{#- The value of the property for a mart of which nothing can be kept. -#}
{%- macro beginning() -%}{{ return('0001-01-01') }}{%- endmacro -%}

{% macro spark__find_outdated_rows() -%}
    {%- if execute -%}
        {%- do run_query('create schema if not exists bookkeeping') -%}
        {%- do run_query(
            'create table if not exists bookkeeping.days'
            ' (kind string, day date, fingerprint string) using parquet'
        ) -%}
        {%- do run_query('drop table if exists bookkeeping.days_now') -%}
        {%- do run_query(
            'create table bookkeeping.days_now using parquet as ' ~ fingerprints_by_day()
        ) -%}
        {%- set first_day = run_query(first_changed_day()).rows[0][0] -%}
        {%- for mart, about in incremental_marts().items() if first_day -%}
            {%- do mark_outdated(mart_relation(mart), first_day, about.days_back) -%}
        {%- endfor -%}
        {%- do run_query(
            'insert overwrite table bookkeeping.days select * from bookkeeping.days_now'
        ) if first_day -%}
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
        '{{ build_inputs() }}' as fingerprint
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
    The first day to redo as a text, null for none. A last day that moved on makes rows on all days
    since; other vars or models, another first day and a last day that moved back leave nothing.
-#}
{% macro first_changed_day() -%}
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
        end as first_changed_day
    from first_changes
    cross join windows
{%- endmacro %}

{% macro mart_relation(mart) -%}
    {%- set found = namespace(relation=none) -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'model' and node.name == mart -%}
            {%- set found.relation = adapter.get_relation(none, node.schema, node.alias) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.relation) }}
{%- endmacro %}

{#- A mart that is not there will be made whole. -#}
{% macro mark_outdated(mart, first_day, days_back) -%}
    {%- if mart is not none -%}
        {%- set date, timedelta = modules.datetime.date, modules.datetime.timedelta -%}
        {%- set day = first_day if first_day == beginning() else (
            date.fromisoformat(first_day) - timedelta(days=days_back)
        ).isoformat() -%}
        {%- do set_outdated_from(mart, [day, outdated_from(mart) or day] | min) -%}
    {%- endif -%}
{%- endmacro %}

{% macro set_outdated_from(mart, day) -%}
    {%- do run_query(
        'alter table ' ~ mart ~ " set tblproperties ('" ~ outdated_from_property() ~ "' = '" ~ day
        ~ "')"
    ) -%}
{%- endmacro %}

{#- The first day that a mart has to redo as a text, none when it is up to date. -#}
{% macro outdated_from(mart) -%}
    {%- set properties = dict(run_query('show tblproperties ' ~ mart).rows | map('list')) -%}
    {{ return(properties.get(outdated_from_property())) }}
{%- endmacro %}

{% macro spark__everything_is_outdated() -%}
    {%- set mart = load_relation(this) -%}
    {{ return(mart is not none and outdated_from(mart) == beginning()) }}
{%- endmacro %}

{% macro spark__first_outdated_day() -%}
    date '{{ outdated_from(this) or "9999-12-31" }}'
{%- endmacro %}

{% macro spark__outdated_users() -%}
    select
        users.user_id,
        {{ first_outdated_day() }} as first_day
    from {{ source('raw', 'users') }} as users
{%- endmacro %}

{#-
    A hook before a mart is redone: insert_overwrite leaves a partition alone that gets no rows any
    more.
-#}
{% macro drop_outdated_days() -%}
    {{ adapter.dispatch('drop_outdated_days')() }}
{%- endmacro %}

{% macro default__drop_outdated_days() -%}
{%- endmacro %}

{% macro spark__drop_outdated_days() -%}
    {%- if execute and is_incremental() -%}
        {%- set first_day = outdated_from(this) or '9999-12-31' -%}
        {%- set outdated = [] -%}
        {%- for row in run_query('show partitions ' ~ this).rows -%}
            {%- set day = row[0].split('=')[1] -%}
            {%- do outdated.append("partition (as_of_date = '" ~ day ~ "')") if day >= first_day -%}
        {%- endfor -%}
        {{ 'alter table ' ~ this ~ ' drop if exists ' ~ outdated | join(', ') if outdated }}
    {%- endif -%}
{%- endmacro %}

{#- As long as a parent has work left, what was made from it is not done either. -#}
{% macro spark__forget_outdated_rows() -%}
    {%- if execute -%}
        {%- set waiting = namespace(is_true=false) -%}
        {%- for parent in incremental_marts()[model.name].parents -%}
            {%- if outdated_from(mart_relation(parent)) -%}
                {%- set waiting.is_true = true -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not waiting.is_true -%}
            alter table {{ this }} unset tblproperties if exists ('{{ outdated_from_property() }}')
        {%- elif not outdated_from(this) -%}
            {%- do set_outdated_from(this, beginning()) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
