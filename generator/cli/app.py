"""The command line."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from generator.cli import build, console, fill, inspect
from generator.errors import UsageError

app = typer.Typer(
    name="elearn",
    help="Simulate or load an e-learning platform, and build its churn warehouse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for title, group in {"Fill": fill, "Build": build, "Inspect": inspect}.items():
    for command in group.app.registered_commands:
        command.rich_help_panel = title
    app.add_typer(group.app)


@app.callback(invoke_without_command=True)
def common(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.")
    ] = False,
) -> None:
    """Simulate or load an e-learning platform, and build its churn warehouse."""
    if show_version:
        from importlib.metadata import version

        print(version("elearn-churn-warehouse"))
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line and exit."""
    console.run(_run_app)


def _run_app() -> int | None:
    try:
        code: int | None = app(standalone_mode=False)  # what a command left with typer.Exit
    except TyperException as error:
        if not error.format_message():  # no command: its help stands there already
            return error.exit_code
        raise UsageError(error.format_message()) from error
    except UsageError as error:
        raise UsageError(error.message, _as_typed(error.field)) from error
    return code


def _as_typed(field: str | None) -> str | None:
    """Return the option that a parameter is given by, or what stands for an argument in help."""
    if field == "folder":
        return "DIR"
    if field is None or not field.isidentifier():  # such as --users, or "private file"
        return field
    return "--" + field.replace("_", "-")
