{#- What builds remember of one another; an earlier warehouse gets what it lacks. -#}
{% macro create_bookkeeping() -%}
    create schema if not exists bookkeeping;
    drop table if exists bookkeeping.days;
    create table if not exists bookkeeping.content (
        table_name varchar, day date, row_count bigint, hash_sum hugeint
    );
    create table if not exists bookkeeping.tested (
        table_name varchar, day date, row_count bigint, hash_sum hugeint, test_version varchar
    );
    create table if not exists bookkeeping.version_sums (
        day date, row_count bigint, hash_sum hugeint, version_sum ubigint
    );
    create table if not exists bookkeeping.users (
        user_id integer, profile varchar, fingerprint varchar
    );
    create table if not exists bookkeeping.user_changes (
        user_id integer, valid_from date, fingerprint varchar
    );
    create table if not exists bookkeeping.builds (
        inputs varchar, first_day date, last_day date
    );
    alter table bookkeeping.builds add column if not exists test_version varchar;
    create table if not exists bookkeeping.outdated (mart varchar, user_id integer, first_day date);
    alter table bookkeeping.outdated add column if not exists all_days boolean default false;
    create table if not exists bookkeeping.tested_tables (
        table_name varchar, definition varchar, fingerprint varchar
    );
    create table if not exists bookkeeping.green_build (
        built_at timestamp,
        tests_passed integer,
        tests_warned integer,
        dbt_version varchar,
        duckdb_version varchar
    );
    {{ create_definitions() }};
    comment on table bookkeeping.content is
        'Content of raw.events, and of each table that tests asked for. One row per table and day.';
    comment on table bookkeeping.tested is
        'Content that passed every test of the last green build. One row per table and day.';
    comment on table bookkeeping.version_sums is
        'What the days of raw.events add to the dataset version, by their content. One row per day.';
    comment on table bookkeeping.users is
        'Content of raw.users and of each history at the last build. One row per user.';
    comment on table bookkeeping.user_changes is
        'Content of raw.user_changes at the last build. One row per user and day.';
    comment on table bookkeeping.builds is
        'Vars, models and observation window of the last build. One row.';
    comment on table bookkeeping.outdated is
        'What a mart has to redo: a user, or everybody, from a day on or on all days.';
    comment on table bookkeeping.tested_tables is
        'Content that passed every test of the last green build. One row per table for readers.';
    comment on table bookkeeping.green_build is
        'Facts of the last build whose every test passed. One row, none after a failure.'
{%- endmacro %}
