"""What to install for a command that needs more than the package itself brings."""

from __future__ import annotations

from importlib.metadata import requires

DISTRIBUTION = "elearn-churn-warehouse"


def pip_install(extra: str) -> str:
    """Return the command that installs the packages of an extra.

    It names the packages and not ``.[report]``, which means something in a clone alone.

    Parameters
    ----------
    extra : str
        Name of an extra of pyproject.toml: "report" or "spark".
    """
    marker = f"extra == '{extra}'"
    wanted = [text.replace('"', "'").split(";") for text in requires(DISTRIBUTION) or []]
    packages = [name.strip() for name, *condition in wanted if marker in "".join(condition)]
    return " ".join(["pip install", *(f"'{package}'" for package in packages)])
