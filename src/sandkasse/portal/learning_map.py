"""The map of modules: domains down, levels across, arrows from what comes before to what comes after."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from sandkasse.portal.render import LEVELS

CELL_WIDTH, NODE_WIDTH, NODE_HEIGHT = 340, 280, 64
ROW_GAP, LEFT, TOP = 24, 0, 40
LINE_LENGTH = 30  # characters of a node's line; a title has at most two lines, cut with an ellipsis


@dataclass(frozen=True)
class Node:
    """A module's place on the map."""

    id: str
    title: str
    lines: tuple[str, ...]
    x: int
    y: int
    hours: float


@dataclass(frozen=True)
class Arrow:
    """From one module to one that builds on it, as an SVG path."""

    path: str
    says: str


@dataclass(frozen=True)
class Band:
    """A domain's stretch of rows."""

    title: str
    y: int


@dataclass(frozen=True)
class LearningMap:
    """The drawn map."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    bands: tuple[Band, ...]
    levels: tuple[tuple[str, int], ...]
    width: int
    height: int


def order_modules(modules: Sequence[Any]) -> list[Any]:
    """Order modules as one would take them: by level, then what builds on nothing else here first, then by title."""
    known = {module.id: module for module in modules}

    def depth(module: Any, seen: frozenset[str] = frozenset()) -> int:
        before = [known[name] for name in module.prerequisites if name in known and name not in seen]
        return 1 + max((depth(other, seen | {module.id}) for other in before), default=-1)

    return sorted(modules, key=lambda module: (LEVELS.index(module.level), depth(module), module.title.casefold()))


def draw_map(modules: Sequence[Any]) -> LearningMap:
    """Place modules on a grid of domain and level, and join those that build on one another."""
    nodes: dict[str, Node] = {}
    bands: list[Band] = []
    y = TOP
    for domain in sorted({module.domain for module in modules}, key=str.casefold):
        bands.append(Band(domain, y))
        y += 28
        depth = 0
        for column, level in enumerate(LEVELS):
            here = [module for module in modules if module.domain == domain and module.level == level]
            depth = max(depth, len(here))
            for row, module in enumerate(here):
                nodes[module.id] = _place(module, LEFT + column * CELL_WIDTH, y + row * (NODE_HEIGHT + ROW_GAP))
        y += depth * (NODE_HEIGHT + ROW_GAP)
    arrows = [
        _join(nodes[before], nodes[module.id])
        for module in modules
        for before in module.prerequisites
        if before in nodes and module.id in nodes
    ]
    levels = tuple((level, LEFT + column * CELL_WIDTH) for column, level in enumerate(LEVELS))
    width = LEFT + 2 * CELL_WIDTH + NODE_WIDTH
    return LearningMap(tuple(nodes.values()), tuple(arrows), tuple(bands), levels, width, y)


def _place(module: Any, x: int, y: int) -> Node:
    lines = wrap(module.title, LINE_LENGTH)
    if len(lines) > 2:
        lines = [lines[0], lines[1][: LINE_LENGTH - 1].rstrip() + "…"]
    return Node(module.id, module.title, tuple(lines), x, y, module.hours)


def _join(before: Node, after: Node) -> Arrow:
    says = f"{before.title} comes before {after.title}"
    y1, y2 = before.y + NODE_HEIGHT // 2, after.y + NODE_HEIGHT // 2
    if after.x > before.x:
        x1, x2 = before.x + NODE_WIDTH, after.x - 6
        middle = x2 - 24
        return Arrow(f"M{x1} {y1} H{middle} V{y2} H{x2}" if y1 != y2 else f"M{x1} {y1} H{x2}", says)
    # Within a column: out on the right, down (or up), and back in.
    x = before.x + NODE_WIDTH
    return Arrow(f"M{x} {y1} H{x + 18} V{y2} H{x + 6}", says)
