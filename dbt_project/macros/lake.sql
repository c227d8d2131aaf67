{#-
    On Spark the raw tables are external: Parquet files in a folder, the lake. They are declared
    anew by each run, with the types of the sources, because the folder may be another one and
    because the catalog knows nothing of files that came since. The names of a table's files begin
    with its own name and may stand in subfolders, so that many workers can write one lake.
-#}
{% macro spark__require_raw_tables() -%}
    {%- if execute -%}
        {%- do run_query('create schema if not exists raw') -%}
        {%- for table in graph.sources.values() -%}
            {%- do declare_raw_table(table) if table.source_name == 'raw' -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- What stands in a lake is known by its fingerprints. -#}
{% macro refuse_a_lake_without_users(fingerprints) -%}
    {%- if 'signup' not in fingerprints.keys() | map('first') -%}
        {%- do exceptions.raise_compiler_error(
            'There are no users in users*.parquet below ' ~ lake()
            ~ ': run `elearn generate --output-dir lake --format parquet` first,'
            ~ ' or name another folder in ELEARN_LAKE.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro declare_raw_table(table) -%}
    {%- set relation = source('raw', table.name) -%}
    {%- set columns = [] -%}
    {%- for column in table.columns.values() -%}
        {%- do columns.append(column.name ~ ' ' ~ column.data_type) -%}
    {%- endfor -%}
    {%- do run_query('drop table if exists ' ~ relation) -%}  {#- leaves the files alone -#}
    {%- do run_query(
        'create table ' ~ relation ~ ' (' ~ columns | join(', ') ~ ') using parquet options ('
        ~ "path '" ~ lake() ~ "', recursiveFileLookup 'true', pathGlobFilter '"
        ~ table.name ~ "*.parquet')"
    ) -%}
{%- endmacro %}

{#- The folder of the raw files. Spark would look for a relative one inside its own warehouse. -#}
{% macro lake() -%}
    {%- set folder = env_var('ELEARN_LAKE', 'lake') -%}
    {%- set is_absolute = folder.startswith('/') or '://' in folder -%}
    {{ return(folder if is_absolute else flags.PROJECT_DIR ~ '/' ~ folder) }}
{%- endmacro %}
