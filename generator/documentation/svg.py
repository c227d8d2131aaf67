"""A few shapes as SVG text; whole numbers only, so that the same drawing is the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

INK, MUTED, LINE, PAPER = "#1e293b", "#64748b", "#94a3b8", "#ffffff"
FONT = "-apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"


def element(tag: str, content: str = "", /, **attributes: object) -> str:
    """Return one element; an underscore in an attribute's name is a hyphen."""
    text = "".join(
        f" {name.rstrip('_').replace('_', '-')}={quoteattr(str(value))}"
        for name, value in attributes.items()
    )
    return f"<{tag}{text}>{content}</{tag}>" if content else f"<{tag}{text}/>"


def text(x: int, y: int, content: str, **attributes: object) -> str:
    """Return a line of text whose baseline starts at a point."""
    return element("text", escape(content), **({"x": x, "y": y, "fill": INK} | attributes))


def box(x: int, y: int, width: int, height: int, **attributes: object) -> str:
    """Return a rectangle with round corners."""
    shape = {"x": x, "y": y, "width": width, "height": height, "rx": 7}
    return element("rect", **(shape | attributes))


def path(route: str, **attributes: object) -> str:
    """Return a line along a route in SVG's path language."""
    return element("path", **({"d": route, "fill": "none", "stroke": LINE} | attributes))


def drawing(width: int, height: int, title: str, shapes: Iterable[str]) -> str:
    """Return a whole SVG file on white paper."""
    about = element("title", escape(title))
    paper = box(0, 0, width, height, fill=PAPER)
    return (
        element(
            "svg",
            "\n" + "\n".join([about, paper, *shapes]) + "\n",
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {width} {height}",
            width=width,
            height=height,
            role="img",
            font_family=FONT,
            font_size=12,
        )
        + "\n"
    )
