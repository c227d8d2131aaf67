"""The entity-relationship diagram as an SVG drawing.

Each schema is a band. A table stands one column to the right of the tables that it refers to, so
that every reference crosses one gap, in a lane of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.documentation import svg
from generator.documentation.entities import Column, Entity, Reference

WIDTH, GAP = 272, 96
"""Of a table, and between the columns of tables."""
HEADER, ROW, FOOT = 30, 20, 8
MARGIN, SPACE, TITLE = 24, 28, 48
COLUMNS = 3
WIDTH_OF_ALL = 2 * (MARGIN + SPACE) + COLUMNS * WIDTH + (COLUMNS - 1) * GAP
FIRST_LANE, LANE = 34, 12

TITLES = {
    "raw": ("raw", "written by the generator or the loader"),
    "main": ("main", "the marts, made by dbt"),
}
COLORS = {"raw": ("#334155", "#f1f5f9"), "main": ("#0f766e", "#effaf6")}
"""Of a table's header and of the band behind it."""
KEY = "#b45309"
STROKE = {"stroke": svg.MUTED, "stroke_width": "1.5"}
DASHED = {"stroke_dasharray": "5 4"}
LEGEND: dict[str, dict[str, str]] = {
    "exactly one row": {},
    "none or one row": {},
    "none, one or many rows": {},
    "enforced by the database": {},
    "holds by construction, tested": DASHED,
}


@dataclass(frozen=True)
class Box:
    """A table on the paper."""

    entity: Entity
    column: int
    y: int

    @property
    def x(self) -> int:
        """The left edge."""
        return MARGIN + SPACE + self.column * (WIDTH + GAP)

    @property
    def bottom(self) -> int:
        """The lower edge."""
        return self.y + HEADER + ROW * len(self.entity.columns) + FOOT

    def row_y(self, name: str) -> int:
        """Return the middle of a column's line."""
        names = [column.name for column in self.entity.columns]
        return self.y + HEADER + ROW * names.index(name) + ROW // 2 + FOOT // 2


def draw(entities: Sequence[Entity], references: Sequence[Reference]) -> str:
    """Return the diagram as the text of an SVG file."""
    placed: dict[str, Box] = {}
    shapes, y = [], MARGIN
    for schema in TITLES:
        band = _place([e for e in entities if e.schema == schema], references, y + TITLE)
        bottom = max(box.bottom for box in band.values()) + SPACE
        shapes.append(_band(schema, y, bottom))
        placed |= band
        y = bottom + SPACE
    shapes += _lines(placed, references)
    shapes += [_table(box) for box in placed.values()]
    shapes.append(_legend(WIDTH_OF_ALL - MARGIN - SPACE - WIDTH, MARGIN + TITLE))
    title = "Tables of the churn warehouse and how they hang together"
    return svg.drawing(WIDTH_OF_ALL, y + MARGIN - SPACE, title, shapes)


def _place(entities: Sequence[Entity], references: Sequence[Reference], top: int) -> dict[str, Box]:
    """Place the tables of one schema; in a column they stand in the order of their parents."""
    column_of = _columns(entities, references)
    placed: dict[str, Box] = {}
    for column in range(max(column_of.values()) + 1):
        y = top
        standing = [entity for entity in entities if column_of[entity.name] == column]
        for entity in _ordered(standing, references, placed):
            placed[entity.name] = Box(entity, column, y)
            y = placed[entity.name].bottom + SPACE
    return placed


def _columns(entities: Sequence[Entity], references: Sequence[Reference]) -> dict[str, int]:
    """Return how many steps each table is away from those that refer to none."""
    column_of = {entity.name: 0 for entity in entities}
    inner = [r for r in references if r.child in column_of and r.parent in column_of]
    for _ in entities:  # no way has more steps than there are tables
        for reference in inner:
            step = column_of[reference.parent] + 1
            column_of[reference.child] = max(column_of[reference.child], step)
    return column_of


def _ordered(
    entities: Sequence[Entity], references: Sequence[Reference], placed: dict[str, Box]
) -> list[Entity]:
    def place(entity: Entity) -> tuple[float, int]:
        parents = [r.parent for r in references if r.child == entity.name and r.parent in placed]
        mean_y = sum(placed[parent].y for parent in parents) / max(len(parents), 1)
        children = [r.child for r in references if r.parent == entity.name]
        return mean_y, -len(children)

    return sorted(entities, key=place)


def _band(schema: str, top: int, bottom: int) -> str:
    name, about = TITLES[schema]
    header, paper = COLORS[schema]
    x = MARGIN + SPACE
    return "".join(
        [
            svg.box(MARGIN, top, WIDTH_OF_ALL - 2 * MARGIN, bottom - top, fill=paper, rx=12),
            svg.text(x, top + 28, name, fill=header, font_size=17, font_weight=700),
            svg.text(x + 11 * len(name) + 6, top + 28, about, fill=svg.MUTED, font_size=13),
        ]
    )


def _table(box: Box) -> str:
    entity, x, y = box.entity, box.x, box.y
    header, _ = COLORS[entity.schema]
    corner = f"M{x} {y + HEADER}v-{HEADER - 7}q0 -7 7 -7h{WIDTH - 14}q7 0 7 7v{HEADER - 7}z"
    shapes = [
        svg.box(x, y, WIDTH, box.bottom - y, fill=svg.PAPER, stroke=svg.LINE),
        svg.path(corner, fill=header, stroke=header),
        svg.text(x + 12, y + 20, entity.name, fill=svg.PAPER, font_size=14, font_weight=700),
    ]
    for column in entity.columns:
        shapes += _column(column, x, box.row_y(column.name) + 4)
    return "".join(shapes)


def _column(column: Column, x: int, y: int) -> list[str]:
    if not column.type:
        return [svg.text(x + 46, y, column.name, fill=svg.MUTED, font_style="italic")]
    weight = 600 if column.mark else 400
    shapes = [
        svg.text(x + 46, y, column.name, font_weight=weight),
        svg.text(x + WIDTH - 12, y, column.type, fill=svg.MUTED, font_size=10, text_anchor="end"),
    ]
    if column.mark:
        shapes.append(svg.text(x + 12, y, column.mark, fill=KEY, font_size=9, font_weight=700))
    return shapes


def _lines(placed: dict[str, Box], references: Iterable[Reference]) -> list[str]:
    """Draw every reference; in a gap between columns, each parent's lines share a lane."""
    lanes: dict[tuple[str, int], list[str]] = {}
    shapes = []
    for reference in references:
        child, parent = placed[reference.child], placed[reference.parent]
        in_gap = lanes.setdefault((child.entity.schema, child.column), [])
        if reference.parent not in in_gap:
            in_gap.append(reference.parent)
        shapes.append(_line(reference, child, parent, in_gap.index(reference.parent)))
    return shapes


def _line(reference: Reference, child: Box, parent: Box, lane: int) -> str:
    """Draw a line from the left of the child to the right of the parent, or around its left."""
    is_around = child.column == parent.column
    x, y = child.x, child.row_y(reference.columns[0])
    end_x = parent.x if is_around else parent.x + WIDTH
    end_y = parent.row_y(reference.columns[0])
    dashes = {} if reference.is_enforced else DASHED
    route = f"M{end_x} {end_y}H{x - FIRST_LANE - lane * LANE}V{y}H{x}"
    return "".join(
        [
            svg.path(route, **STROKE, **dashes),
            _many_or_one(x, y, reference.is_unique),
            _exactly_one(end_x, end_y, -1 if is_around else 1),
        ]
    )


def _many_or_one(x: int, y: int, is_unique: bool) -> str:
    """Draw the end at the child: a circle for none, then a bar for one or a foot for many."""
    foot = f"M{x - 9} {y - 6}v12" if is_unique else f"M{x} {y - 7}L{x - 12} {y}L{x} {y + 7}"
    circle = svg.element("circle", cx=x - 17, cy=y, r=4, fill=svg.PAPER, **STROKE)
    return svg.path(foot, **STROKE) + circle


def _exactly_one(x: int, y: int, side: int) -> str:
    return svg.path(f"M{x + 7 * side} {y - 6}v12M{x + 12 * side} {y - 6}v12", **STROKE)


def _legend(x: int, y: int) -> str:
    shapes = [
        svg.box(x, y, WIDTH, 178, fill=svg.PAPER, stroke=svg.LINE),
        svg.text(x + 16, y + 27, "How to read it", font_size=14, font_weight=700),
    ]
    x, y = x + 16, y + 50
    for number, (content, dashes) in enumerate(LEGEND.items()):
        shapes.append(svg.path(f"M{x} {y + 26 * number}h52", **STROKE, **dashes))
        shapes.append(svg.text(x + 68, y + 26 * number + 4, content))
    ends = [
        _exactly_one(x + 52, y, -1),
        _many_or_one(x + 52, y + 26, is_unique=True),
        _many_or_one(x + 52, y + 52, is_unique=False),
    ]
    return "".join(shapes + ends)
