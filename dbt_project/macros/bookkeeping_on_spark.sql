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
        {%- set now = fingerprints_of(fingerprints_by_day()) -%}
        {%- do refuse_a_lake_without_users(now) -%}
        {%- set kept = kept_fingerprints() -%}
        {%- set days = changed_days(now, kept) -%}
        {%- for mart, about in incremental_marts().items() if days.first_changed_day -%}
            {%- do mark_outdated(stored_spans(mart), days, about.days_back) -%}
        {%- endfor -%}
        {%- do keep_fingerprints_on_spark(now) if now != kept -%}
    {%- endif -%}
{%- endmacro %}

{#- What a query of kinds, days and fingerprints finds: (kind, day) to fingerprint, all as texts. -#}
{% macro fingerprints_of(query) -%}
    {%- set found = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- do found.update({(row[0], row[1] | string): row[2]}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Those of the last build; none before the first. -#}
{% macro kept_fingerprints() -%}
    {%- if adapter.get_relation(none, 'bookkeeping', 'days') is not none -%}
        {{ return(fingerprints_of('select kind, day, fingerprint from bookkeeping.days')) }}
    {%- endif -%}
    {%- do run_query('create schema if not exists bookkeeping') -%}
    {%- do run_query(
        'create table bookkeeping.days (kind string, day date, fingerprint string) using parquet'
    ) -%}
    {{ return({}) }}
{%- endmacro %}

{#- One file: these are some hundred rows. -#}
{% macro keep_fingerprints_on_spark(fingerprints) -%}
    {%- set rows = [] -%}
    {%- for (kind, day), fingerprint in fingerprints.items() -%}
        {%- do rows.append("('" ~ [kind, day, fingerprint] | join("', '") ~ "')") -%}
    {%- endfor -%}
    {%- do run_query(
        "insert overwrite table bookkeeping.days select /*+ coalesce(1) */ kind,"
        ~ " cast(nullif(day, 'None') as date), fingerprint from values " ~ rows | join(', ')
        ~ ' as fingerprints (kind, day, fingerprint)'
    ) -%}
{%- endmacro %}

{#- One row for each day of each kind, from one pass over the lake. -#}
{% macro fingerprints_by_day() -%}
    select
        hashes.kind,
        hashes.day,
        concat(
            count(*), ':', sum({{ shifted_right('hashes.hash', 32) }}), ':',
            sum(hashes.hash & 4294967295)
        ) as fingerprint
    from (
        {{ hashes_of('event', 'event_date', 'events') }}
        union all
        {{ hashes_of('signup', 'signup_date', 'users', ['engagement_score']) }}
        union all
        {{ hashes_of('change', 'valid_from', 'user_changes') }}
    ) as hashes
    group by hashes.kind, hashes.day
    union all
    select
        'inputs' as kind,
        cast(null as date) as day,
        '{{ build_inputs() }} {{ user_buckets() }}' as fingerprint
{%- endmacro %}

{#- The hash skips a null, so it takes whether there is one as well. -#}
{% macro hashes_of(kind, day, table, unread=[]) -%}
    select
        '{{ kind }}' as kind,
        {{ table }}.{{ day }} as day,
        xxhash64(
            {%- for column in source_columns(table) | reject('in', unread) %}
            {{ table }}.{{ column }}, {{ table }}.{{ column }} is null{{ ',' if not loop.last }}
            {%- endfor %}
        ) as hash
    from {{ source('raw', table) }} as {{ table }}
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
    The first day to redo, none for nothing, and the last days of the events at the last build and
    now. A last day that moved on makes rows on all days since; other vars or models, another first
    day and a last day that moved back leave nothing.
-#}
{% macro changed_days(now, kept) -%}
    {%- set changed, days = [], [] -%}
    {%- for key in (now.keys() | list + kept.keys() | list) | unique
        if now.get(key) != kept.get(key) -%}
        {%- do changed.append(key) -%}
    {%- endfor -%}
    {%- do days.extend(changed | map('last') | reject('equalto', 'None')) -%}
    {%- set events, kept_events = days_of_events(now), days_of_events(kept) -%}
    {%- set last_day, kept_last_day = events | last, kept_events | last -%}
    {%- if events and kept_events and last_day > kept_last_day -%}
        {%- do days.append(days_before(kept_last_day, -1)) -%}
    {%- endif -%}
    {%- set first_day = days | min if days else none -%}
    {%- if 'inputs' in changed | map('first') or events[:1] != kept_events[:1]
        or (events and last_day < kept_last_day)
        or (events and first_day and first_day <= events[0]) -%}
        {%- set first_day = beginning() -%}
    {%- endif -%}
    {{ return({
        'first_changed_day': first_day,
        'kept_last_day': kept_last_day if kept_events else none,
        'last_day': last_day if events else none,
    }) }}
{%- endmacro %}

{% macro days_of_events(fingerprints) -%}
    {{ return(
        fingerprints.keys() | selectattr(0, 'equalto', 'event') | map('last')
            | reject('equalto', 'None') | sort
    ) }}
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

{#-
    The first day that a table of spans has to redo as a text, none when it is up to date. Asked many
    times while a mart is made, the catalog answers once.
-#}
{% macro outdated_from(spans) -%}
    {%- set name = 'properties of ' ~ spans -%}
    {%- set known = load_result(name) -%}  {#- which takes it away -#}
    {%- set properties = known.table if known else run_query('show tblproperties ' ~ spans) -%}
    {%- do store_result(name, '', properties) -%}
    {{ return(dict(properties.rows | map('list')).get(outdated_from_property())) }}
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
