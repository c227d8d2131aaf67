{#-
    Columns are what costs in the rolling windows. Two counts of one user share a 64-bit number:
    the high count times 2^32 plus the low count. Sums and differences of pairs are the pairs of
    the sums and differences as long as each count over a user's history stays below 2^31, the
    limit of the INTEGER that it ends in; the test sums_do_not_wrap holds that.
-#}
{% macro packed_pair(high, low) -%}
    cast({{ high }} as bigint) * 4294967296 + {{ low }}
{%- endmacro %}

{% macro high_of_pair(pair) -%}
    cast({{ shifted_right(pair, 32) }} as integer)
{%- endmacro %}

{% macro low_of_pair(pair) -%}
    cast({{ pair }} & 4294967295 as integer)
{%- endmacro %}
