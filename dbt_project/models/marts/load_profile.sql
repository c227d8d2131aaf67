{{ history_mart() }}

{%- set counts = {
    'loaded_rows': 'rows',
    'late_rows': 'late_rows',
    'repeated_rows': 'repeated',
    'ignored_rows': 'ignored',
    'rejected_rows': 'rejected',
} %}

with loads as (
    {{ select_profiles() | indent(4) }}
),

tables_of_loads as (
    select
        loads.load_id,
        tables.key as table_name,
        tables.value as profile
    from loads
    cross join json_each(loads.profile) as tables
),

columns_of_tables as (
    select
        tables_of_loads.load_id,
        tables_of_loads.table_name,
        columns_of_table.key as column_name,
        tables_of_loads.profile as table_profile,
        columns_of_table.value as profile
    from tables_of_loads
    cross join json_each(tables_of_loads.profile, '$.columns') as columns_of_table
),

final as (
    select
        columns_of_tables.load_id,
        columns_of_tables.table_name,
        columns_of_tables.column_name,
        {%- for column, count in counts.items() %}
        cast(columns_of_tables.table_profile ->> '$.{{ count }}' as bigint) as {{ column }},
        {%- endfor %}
        cast(columns_of_tables.profile ->> '$.null_share' as double) as null_share,
        cast(columns_of_tables.profile ->> '$.mean' as double) as mean,
        {%- for decile in range(1, 10) %}
        cast(columns_of_tables.profile ->> '$.deciles[{{ decile - 1 }}]' as double)
            as decile_{{ decile }},
        {%- endfor %}
        cast(columns_of_tables.profile -> '$.event_mix' as varchar) as event_mix
    from columns_of_tables
)

select * from final
