"""What nobody reads is not made: a dbt of the tests leaves out a fifth of its work.

For each node dbt looks 700 macros up in five places, makes 23 messages that no log of the tests
takes, and writes the SQL into a file. Here a macro is found in one step, a message is
made when it is read, and SQL is written for a test that asks for it.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any


def spare() -> None:
    """Let dbt leave out from now on what nobody reads."""
    make_messages_when_they_are_read()
    tell_only_who_listens()
    look_macros_up_in_one_place()
    write_no_sql_to_target()


def make_messages_when_they_are_read() -> None:
    """Let an event hold what it was given until somebody asks for its message."""
    from dbt_common.events.base_types import BaseEvent  # noqa: PLC0415

    make_message = BaseEvent.__init__

    def hold(event: Any, *arguments: Any, **fields: Any) -> None:
        event.__dict__["given"] = arguments, fields

    def message(event: Any) -> Any:
        if "message made" not in event.__dict__:
            arguments, fields = event.__dict__["given"]
            make_message(event, *arguments, **fields)
        return event.__dict__["message made"]

    def keep_message(event: Any, made: Any) -> None:
        event.__dict__["message made"] = made

    BaseEvent.__init__ = hold
    BaseEvent.pb_msg = property(message, keep_message)


def tell_only_who_listens() -> None:
    """Put an event of level debug into no log that leaves it out: that is nine events of ten.

    A callback is told the level and the name, and finds the message if it asks for it.
    """
    from dbt_common.events.base_types import EventLevel  # noqa: PLC0415
    from dbt_common.events.event_manager import EventManager  # noqa: PLC0415

    fire_event = EventManager.fire_event

    def fire_if_read(
        manager: Any,
        e: Any,
        level: Any = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        level = level or e.level_tag()
        is_read = level != EventLevel.DEBUG or any(map(reads_debug, manager.loggers))
        if is_read or force_warn_or_error_handling:
            fire_event(manager, e, level, node, force_warn_or_error_handling)
            return
        for callback in manager.callbacks:
            callback(_Unread(e, level))

    EventManager.fire_event = fire_if_read


def reads_debug(logger: Any) -> bool:
    """Tell whether a log takes events of level debug."""
    python_logger = logger._python_logger
    return python_logger is None or python_logger.isEnabledFor(logging.DEBUG)


class _Unread:
    """A message that is made if somebody asks for more than its name."""

    def __init__(self, event: Any, level: Any) -> None:
        self.info = SimpleNamespace(name=type(event).__name__, level=level.value)
        self._event = event

    @property
    def data(self) -> Any:
        return self._event.pb_msg


def look_macros_up_in_one_place() -> None:
    """Make the macros of a node callable at once, and put those that win into one dictionary."""
    from dbt.clients.jinja import MacroGenerator  # noqa: PLC0415
    from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder  # noqa: PLC0415

    build_namespace = MacroNamespaceBuilder.build_namespace

    def build_in_few_steps(builder: Any, packages: dict[str, Any], context: Any) -> Any:
        for package, macros in packages.items():
            made = {
                macro.name: MacroGenerator(macro, context, builder.node, builder.thread_ctx)
                for macro in macros.values()
            }
            is_internal = package in builder.internal_package_names
            (builder.internal_packages if is_internal else builder.packages)[package] = made
            if not is_internal and package == builder.search_package:
                builder.locals.update(made)
            elif not is_internal and package == builder.root_package:
                builder.globals.update(made)
        namespace = build_namespace(builder, {}, context)
        namespace.winning = {}
        for members in reversed([*namespace._search_order()]):
            namespace.winning.update(members)
        return namespace

    MacroNamespaceBuilder.build_namespace = build_in_few_steps
    MacroNamespace.__getitem__ = lambda namespace, name: namespace.winning[name]
    MacroNamespace.__iter__ = lambda namespace: iter(namespace.winning)


def write_no_sql_to_target() -> None:
    """Write the SQL of a node to ``target`` only for a test that reads what dbt writes there."""
    from dbt.contracts.graph.nodes import ParsedNode  # noqa: PLC0415
    from dbt.flags import get_flags  # noqa: PLC0415

    write_node = ParsedNode.write_node

    def write_if_asked(node: Any, *place_and_sql: str) -> None:
        if get_flags().WRITE_JSON:
            write_node(node, *place_and_sql)

    ParsedNode.write_node = write_if_asked
