"""The lineage as an SVG drawing: what is made from what, from the sources to those who read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.documentation import svg
from generator.documentation.project import Node, Project

WIDTH, HEIGHT, PASSING = 176, 34, 12
"""Of a node; and the height that a line takes in a layer that it passes."""
GAP, SPACE, MARGIN, TITLE = 64, 20, 28, 50

KINDS = {
    "source": ("raw", "#334155"),
    "staging": ("staging", "#4f46e5"),
    "intermediate": ("intermediate", "#7c3aed"),
    "marts": ("marts", "#0f766e"),
    "exposure": ("read by", "#b45309"),
}
"""What the legend says, and the color."""


@dataclass
class Stop:
    """A node in its layer, or the place where a line passes a layer."""

    node: Node | None
    before: list[Stop]
    """Where the lines to it come from, one layer to the left."""
    x: int = 0
    y: int = 0

    @property
    def height(self) -> int:
        """Height on the paper."""
        return PASSING if self.node is None else HEIGHT


def draw(project: Project) -> str:
    """Return the lineage as the text of an SVG file."""
    layers = _layers(project)
    height = _place(layers)
    stops = [stop for layer in layers for stop in layer]
    shapes = [_line(before, stop) for stop in stops for before in stop.before]
    shapes += [_node(stop, stop.node) for stop in stops if stop.node is not None]
    width = 2 * MARGIN + len(layers) * WIDTH + (len(layers) - 1) * GAP
    return svg.drawing(width, height, "Lineage of the churn warehouse", [*shapes, _legend()])


def _layers(project: Project) -> list[list[Stop]]:
    """Put every node that is connected one layer to the right of all that it is made from."""
    drawn = project.of_type("source", "model", "exposure")
    read = {parent["unique_id"] for node in drawn for parent in project.parents(node)}
    depths = {node["unique_id"]: _depth(node, project) for node in drawn}
    layers: list[list[Stop]] = [[] for _ in range(max(depths.values()) + 1)]
    stops: dict[str, Stop] = {}
    for node in sorted(drawn, key=lambda node: depths[node["unique_id"]]):
        depth = depths[node["unique_id"]]
        if depth or node["unique_id"] in read:
            before = [
                _passed(stops[parent["unique_id"]], depths[parent["unique_id"]], depth, layers)
                for parent in project.parents(node)
            ]
            stops[node["unique_id"]] = Stop(node, before)
            layers[depth].append(stops[node["unique_id"]])
    return layers


def _depth(node: Node, project: Project) -> int:
    return 1 + max((_depth(parent, project) for parent in project.parents(node)), default=-1)


def _passed(stop: Stop, depth: int, until: int, layers: list[list[Stop]]) -> Stop:
    """Lead a line through the layers between; lines from the same node run together."""
    for layer in layers[depth + 1 : until]:
        together = [other for other in layer if other.node is None and other.before == [stop]]
        if not together:
            together = [Stop(None, [stop])]
            layer.append(together[0])
        stop = together[0]
    return stop


def _place(layers: Sequence[list[Stop]]) -> int:
    """Place the stops, each layer in the order of what it is made from; return the height."""
    heights = [sum(stop.height + SPACE for stop in layer) for layer in layers]
    tallest = max(heights)
    for number, layer in enumerate(layers):
        layer.sort(key=_mean_y)
        y = TITLE + MARGIN + (tallest - heights[number]) // 2
        for stop in layer:
            stop.x, stop.y = MARGIN + number * (WIDTH + GAP), y
            y += stop.height + SPACE
    return TITLE + MARGIN + tallest


def _mean_y(stop: Stop) -> float:
    middles = [before.y + before.height / 2 for before in stop.before]
    return sum(middles) / max(len(middles), 1)


def _line(before: Stop, stop: Stop) -> str:
    """Draw a curve between two layers, and on through a layer that it only passes."""
    x, y = before.x + WIDTH, before.y + before.height // 2
    end_x, end_y = stop.x, stop.y + stop.height // 2
    middle = (x + end_x) // 2
    through = f"h{WIDTH}" if stop.node is None else ""
    route = f"M{x} {y}C{middle} {y} {middle} {end_y} {end_x} {end_y}{through}"
    return svg.path(route, stroke_width="1.5")


def _node(stop: Stop, node: Node) -> str:
    _, color = KINDS[_kind(node)]
    middle = {"text_anchor": "middle", "fill": svg.PAPER, "font_weight": 600}
    name = node["name"]
    return svg.box(stop.x, stop.y, WIDTH, HEIGHT, fill=color) + svg.text(
        stop.x + WIDTH // 2, stop.y + HEIGHT // 2 + 4, name, **middle
    )


def _kind(node: Node) -> str:
    kind = node["resource_type"]
    return str(node["fqn"][-2] if kind == "model" else kind)


def _legend() -> str:
    shapes = []
    for number, (label, color) in enumerate(KINDS.values()):
        x = MARGIN + number * 130
        shapes.append(svg.box(x, MARGIN, 14, 14, fill=color, rx=4))
        shapes.append(svg.text(x + 22, MARGIN + 12, label, font_size=13))
    return "".join(shapes)
