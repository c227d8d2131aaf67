"""What dbt makes of a text is remembered: a fork of this process need not make it again.

Much of what a dbt of the tests does is to parse and to compile what the dbt before it parsed and
compiled. The functions here give the same for the same arguments, so that a
fork answers from what the process before it, or dbt itself earlier, was answered. What differs from
test to test, such as SQL that runs, is never remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any


def remember() -> None:
    """Let dbt remember from now on what it makes of a text."""
    import dbt.compilation  # noqa: PLC0415
    import dbt_common.clients.agate_helper  # noqa: PLC0415
    import dbt_common.clients.jinja  # noqa: PLC0415
    from dbt_common.behavior_flags import BehaviorFlagRendered  # noqa: PLC0415
    from dbt_common.tests import enable_test_caching  # noqa: PLC0415

    enable_test_caching()  # dbt's own, of what it parses
    _remember(dbt.compilation, "inject_ctes_into_sql", _sql_and_ctes)
    _remember(dbt_common.clients.agate_helper, "build_type_tester", _columns_and_nulls)
    for environment in ("MacroFuzzEnvironment", "NativeSandboxEnvironment"):
        _remember(getattr(dbt_common.clients.jinja, environment), "compile", _template)
    BehaviorFlagRendered._default_source = staticmethod(cache(BehaviorFlagRendered._default_source))


def _remember(place: Any, name: str, key: Callable[..., Hashable]) -> None:
    """Let a function return what it returned before for the same key."""
    function, known = getattr(place, name), dict[Hashable, Any]()

    def remembering(*arguments: Any, **options: Any) -> Any:
        asked = key(*arguments, **options)
        if asked not in known:
            known[asked] = function(*arguments, **options)
        return known[asked]

    setattr(place, name, remembering)


def _sql_and_ctes(sql: str, ctes: list[Any]) -> Hashable:
    return sql, tuple((cte.id, cte.sql) for cte in ctes)


def _columns_and_nulls(text_columns: Any, string_null_values: Any = ("null", "")) -> Hashable:
    return frozenset(text_columns), tuple(string_null_values or ())


def _template(environment: Any, source: str, *place: Any, **options: Any) -> Hashable:
    from dbt_common.clients.jinja import MACRO_DEBUGGING  # noqa: PLC0415

    return type(environment), source, place, tuple(options.items()), MACRO_DEBUGGING
