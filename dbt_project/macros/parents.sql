{#-
    A mart is made from what stands in its parents. A run that selects it without a parent that is
    out of date says so in one sentence, instead of failing in SQL or leaving a mart that looks done.
-#}

{#- The nodes that a node is made from, and what those are made from. -#}
{% macro nodes_behind(node) -%}
    {%- set ids = [node.unique_id] -%}
    {%- for id in ids -%}  {#- which grows meanwhile -#}
        {%- for parent in graph.nodes[id].depends_on.nodes -%}
            {%- do ids.append(parent) if parent in graph.nodes and parent not in ids -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set nodes = [] -%}
    {%- for id in ids[1:] -%}
        {%- do nodes.append(graph.nodes[id]) -%}
    {%- endfor -%}
    {{ return(nodes) }}
{%- endmacro %}

{#-
    What the nodes of a run keep for one another, in dbt's graph, which all of them share. A program
    may hand the same graph to the next run, which has to look for itself.
-#}
{% macro kept_for_this_run(name) -%}
    {{ return(graph.setdefault(name ~ ' ' ~ invocation_id, {})) }}
{%- endmacro %}

{#- Whether the model that a test stands with is made from one table of raw, and from nothing else. -#}
{% macro is_made_from(table) -%}
    {%- set node = graph.nodes.get(context.model.attached_node) -%}  {#- none for a source -#}
    {%- set parents = node.depends_on.nodes if node else [] -%}
    {%- set source = graph.sources.get(parents | first) -%}
    {{ return(parents | length == 1 and source and source.schema ~ '.' ~ source.identifier == table) }}
{%- endmacro %}

{#- The SQL of the macros that nodes use, and of those that these use, each after its name. -#}
{% macro macros_behind(nodes) -%}
    {%- set ids = nodes | map(attribute='depends_on.macros') | sum(start=[]) | unique | list -%}
    {%- set codes = [] -%}
    {%- for id in ids -%}  {#- which grows meanwhile -#}
        {%- set _, package, name = id.split('.') -%}
        {#- dbt's own macros include those of the adapter's package -#}
        {%- set used = context[package if package in context else 'dbt'][name].macro -%}
        {%- do codes.append((name, used.macro_sql)) -%}
        {%- for needed in used.depends_on.macros if needed not in ids -%}
            {%- do ids.append(needed) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(codes | sort) }}
{%- endmacro %}

{#- A hook before a mart is made; a run without rows (--empty) needs none of the parents either. -#}
{% macro require_parents() -%}
    {%- if execute and not flags.EMPTY -%}
        {%- set missing, outdated = [], [] -%}
        {%- for parent in nodes_behind(model) | reverse -%}
            {%- set state = state_of_parent(parent) -%}
            {%- do missing.append(parent.name) if state == 'missing' -%}
            {%- do outdated.append(parent.name) if state == 'outdated' -%}
        {%- endfor -%}
        {%- if missing or (outdated and model.name in whole_marts()) -%}
            {%- do exceptions.raise_compiler_error(what_comes_first(missing + outdated)) -%}
        {%- elif outdated -%}
            {%- do exceptions.warn(what_comes_first(outdated)) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro what_comes_first(parents) -%}
    {{ return(
        model.name ~ ' is made from ' ~ parents | join(', ') ~ ', which this run leaves out of date:'
        ~ ' run `dbt build --select +' ~ model.name ~ '`.'
    ) }}
{%- endmacro %}

{#-
    'missing' when the parent, or a day that the mart needs of it, is not there; 'outdated' when
    only rows that stand are to be redone; none when nothing is.
-#}
{% macro state_of_parent(parent) -%}
    {%- if parent.config.materialized == 'ephemeral' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set relation = adapter.get_relation(parent.database, parent.schema, parent.alias) -%}
    {%- if relation is none -%}
        {{ return('missing') }}
    {%- endif -%}
    {%- if parent.name in incremental_marts() -%}
        {{ return(adapter.dispatch('state_of_mart')(parent.name, relation)) }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__state_of_mart(mart, relation) -%}
    {%- set last_day -%}
        {%- if var('last_day') is none -%} (select max(builds.last_day) from bookkeeping.builds)
        {%- else -%} date '{{ var("last_day") }}'
        {%- endif -%}
    {%- endset -%}
    {%- set found = run_query(
        "select case when count(*) = 0 then null when count(*) > count(outdated.user_id)"
        ~ ' or coalesce((select max(as_of_date) from ' ~ relation ~ ') < '
        ~ minus_days(last_day, incremental_marts()[mart].days_back) ~ ', true)'
        ~ " then 'missing' else 'outdated' end as state"
        ~ " from bookkeeping.outdated where outdated.mart = '" ~ mart ~ "'"
    ) -%}
    {{ return(found.rows[0][0]) }}
{%- endmacro %}

{#- Whole days are out of date on Spark, and may be missing. -#}
{% macro spark__state_of_mart(mart, relation) -%}
    {%- set spans = stored_spans(mart) -%}
    {{ return('missing' if spans is none or outdated_from(spans)) }}
{%- endmacro %}
