"""Draw the model as a picture: causes, conditions, treatments, death, and an arrow for each row of the parameters."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from sandkasse.cohort.specification import Condition, General, Specification, Trait

BOX_HEIGHT, ROW, HEADING, MARGIN = 22, 27, 22, 16
CAUSE_X, CONDITION_X, TREATMENT_X, DEATH_X = 16, 380, 820, 1170
CAUSE_WIDTH, CONDITION_WIDTH, TREATMENT_WIDTH, DEATH_WIDTH = 190, 220, 210, 74
TOP = 84
PLACE = "municipality"
LETTER = 6.2
"""Mean width of a letter, for cutting titles."""
STYLE = """
.sk{--paper:#faf9f6;--ink:#1b2326;--quiet:#50595c;--edge:#868c8a;--up:#a3440b;--down:#0072b2;--brings:#6b7275;
background:var(--paper);font:12px/1.2 -apple-system,"Segoe UI",Roboto,"Noto Sans",Ubuntu,sans-serif}
@media (prefers-color-scheme:dark){.sk{--paper:#12181a;--ink:#e9e7e2;--quiet:#adb5b5;--edge:#76827f;--up:#f0a27f;
--down:#56b4e9;--brings:#98a2a2}}
.sk text{fill:var(--ink)}.sk .h{fill:var(--quiet);font-weight:600}
.sk rect{fill:var(--paper);stroke:var(--edge)}
.sk path{fill:none;opacity:.38}.sk .up{stroke:var(--up)}.sk .down{stroke:var(--down)}
.sk .brings{stroke:var(--brings);stroke-dasharray:4 3}.sk .differs{stroke:var(--brings);stroke-dasharray:1 3}
.sk .m-up{fill:var(--up)}.sk .m-down{fill:var(--down)}.sk .m-brings,.sk .m-differs{fill:var(--brings)}
.sk g.n:hover rect{stroke-width:2.5}
"""


HEADS = "".join(
    f'<marker id="sk-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" '
    f'markerUnits="userSpaceOnUse"><polygon class="m-{kind}" points="0,0.5 8,4 0,7.5"/></marker>'
    for kind in ("up", "down", "brings", "differs")
)


@dataclass(frozen=True)
class Arrow:
    """One arrow of the picture.

    Attributes:
        source: Name of what acts.
        target: Name of what it acts on.
        kind: Whether it raises, lowers, brings a treatment, or does one or the other by place.
        log_ratio: Largest absolute log hazard ratio (or odds ratio, or shift) of its rows.
        words: What it says, with its source.
    """

    source: str
    target: str
    kind: str
    log_ratio: float
    words: str


@dataclass(frozen=True)
class Box:
    """One box of the picture: its name, title and place of its upper left corner."""

    name: str
    title: str
    x: float
    y: float
    width: float
    height: float = BOX_HEIGHT


def model_arrows(specification: Specification) -> tuple[Arrow, ...]:
    """List every arrow that the parameters write.

    Effects of having had a habit are those of the habit; effects of being recognised are those of the condition.

    Args:
        specification: The model as written.

    Returns:
        One arrow for each source, target and kind.
    """
    strongest: dict[tuple[str, str, str], Arrow] = {}
    for arrow in _arrows(specification):
        key = arrow.source, arrow.target, arrow.kind
        if key not in strongest or strongest[key].log_ratio < arrow.log_ratio:
            strongest[key] = arrow
    return tuple(strongest.values())


def _plain(name: str) -> str:
    return name.removeprefix("detected:").removeprefix("ex_")


def _of(trait: str) -> str:
    """Name the box of a trait, which may share its name with a condition."""
    return f"trait-{trait}"


def _ratio(source: str, target: str, ratio: float, origin: str) -> Arrow:
    words = f"hazard ratio {ratio:g} ({origin})"
    return Arrow(_plain(source), target, "up" if ratio > 1.0 else "down", abs(math.log(ratio)), words)


def _trait(trait: str, target: str, log_ratio: float, origin: str, what: str = "log hazard ratio") -> Arrow:
    words = f"{what} {log_ratio:+g} per standard deviation ({origin})"
    return Arrow(_of(trait), target, "up" if log_ratio > 0.0 else "down", abs(log_ratio), words)


def _arrows(specification: Specification) -> Iterator[Arrow]:
    general = specification.general
    yield from _cause_arrows(general)
    for condition in specification.conditions:
        yield from _condition_arrows(condition)
    for effect in general.mortality.raised_by:
        yield _ratio(effect.of, "death", effect.hazard_ratio, effect.source)
    for trait_row in general.mortality.traits:
        yield _trait(trait_row.trait, "death", trait_row.log_hazard_ratio, trait_row.source)
    yield Arrow("body_mass", "death", "up", 0.5, f"hazard ratio by body mass ({general.mortality.body_mass.source})")
    for treatment in general.treatments:
        for effect in treatment.lowers:
            yield _ratio(treatment.name, effect.of, effect.hazard_ratio, effect.source)
        for start in treatment.start:
            if start.condition:
                words = f"is treated with it ({start.source})"
                yield Arrow(start.condition, treatment.name, "brings", 0.7, words)


def _cause_arrows(general: General) -> Iterator[Arrow]:
    for shift in general.place_shifts:
        said = ", ".join(f"{name} {by:+g}" for name, by in shift.by.items())
        most = max(map(abs, shift.by.values()), default=0.0)
        words = f"standard deviations: {said} ({shift.source})"
        yield Arrow(PLACE, _of(shift.trait), "differs", most, words)
    for trait in general.traits:
        for load in trait.loads:
            yield _trait(load.on, _of(trait.name), load.weight, load.source, "path coefficient")
    path = general.body_mass
    yield Arrow(_of(path.trait), "body_mass", "up", 0.5, f"its trait ({path.source})")
    for exposure in general.exposures:
        for row in exposure.traits:
            yield _trait(row.trait, exposure.name, row.log_odds_ratio, row.source, "log odds ratio")
    for part, name in ((general.education, "education"), (general.income, "income")):
        if part is not None:
            yield Arrow(_of(part.trait), name, "up", 1.0, f"its trait ({part.source})")


def _condition_arrows(condition: Condition) -> Iterator[Arrow]:
    name = condition.name
    for trait in condition.traits:
        yield _trait(trait.trait, name, trait.log_hazard_ratio, trait.source)
    if condition.body_mass is not None:
        most = max(abs(math.log(ratio)) for ratio in condition.body_mass.hazard_ratios)
        yield Arrow("body_mass", name, "up", most, f"hazard ratio by body mass ({condition.body_mass.source})")
    for effect in condition.raised_by:
        yield _ratio(effect.of, name, effect.hazard_ratio, effect.source)
    for death in condition.death:
        yield _ratio(name, "death", death.hazard_ratio, death.source)
    if condition.acute is not None:
        words = f"up to {100 * max(condition.acute.fatality):.3g} % die of an onset ({condition.acute.source})"
        yield Arrow(name, "death", "up", 2.0, words)


def draw_model(specification: Specification) -> str:
    """Draw the model.

    Args:
        specification: The model as written.

    Returns:
        A self-contained SVG of four columns: causes, conditions by group, treatments, death. It follows the reader's
        light or dark scheme; resting on a box shows its arrows alone, where the viewer knows the CSS selector `:has`.
    """
    boxes, headings, height = _lay_out(specification)
    arrows = [arrow for arrow in model_arrows(specification) if arrow.source in boxes and arrow.target in boxes]
    rules = "".join(
        f".sk:has(.n-{name}:hover) path{{opacity:.04}}.sk:has(.n-{name}:hover) .a-{name}{{opacity:1}}" for name in boxes
    )
    width = DEATH_X + DEATH_WIDTH + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sk" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="sk-title sk-desc"><title id="sk-title">The causal model</title><desc id="sk-desc">'
        f"{len(arrows)} arrows between causes, {len(specification.conditions)} conditions, "
        f"{len(specification.general.treatments)} treatments and death; the list of numbers says the same in words."
        f"</desc><style>{STYLE}{rules}</style><defs>{HEADS}</defs>",
        *(_arrow_svg(arrow, boxes) for arrow in arrows),
        *(f'<text class="h" x="{x}" y="{y}">{escape(text)}</text>' for text, x, y in headings),
        *(_box_svg(box) for box in boxes.values()),
        "</svg>",
    ]
    return "".join(parts)


def _lay_out(specification: Specification) -> tuple[dict[str, Box], list[tuple[str, float, float]], float]:
    general = specification.general
    headings: list[tuple[str, float, float]] = [
        ("Causes", CAUSE_X, TOP - 40),
        ("Conditions", CONDITION_X, TOP - 40),
        ("Treatments", TREATMENT_X, TOP - 40),
        ("orange raises · blue lowers · dashed brings a treatment · dotted differs by place", CAUSE_X, 14),
    ]
    boxes: dict[str, Box] = {}

    def column(entries: Sequence[tuple[str, Sequence[tuple[str, str]]]], x: float, width: float) -> float:
        y = float(TOP)
        for heading, members in entries:
            if heading:
                headings.append((heading, x, y - 7))
            for name, title in members:
                boxes[name] = Box(name, title, x, y, width)
                y += ROW
            y += HEADING
        return y

    social = [(n, n.capitalize()) for n, part in (("education", general.education), ("income", general.income)) if part]
    causes = [
        ("place", [(PLACE, "First municipality")] if general.places else []),
        ("traits (lifelong)", [(_of(trait.name), _say_trait(trait, specification)) for trait in general.traits]),
        ("habits and body", [*((e.name, e.title) for e in general.exposures), ("body_mass", "Body mass")]),
        ("position", social),
    ]
    groups: dict[str, list[tuple[str, str]]] = {}
    for condition in specification.conditions:
        groups.setdefault(condition.group, []).append((condition.name, condition.title))
    kinds = [("", [(treatment.name, treatment.title) for treatment in general.treatments])]
    bottoms = [
        column([entry for entry in causes if entry[1]], CAUSE_X, CAUSE_WIDTH),
        column(list(groups.items()), CONDITION_X, CONDITION_WIDTH),
        column(kinds, TREATMENT_X, TREATMENT_WIDTH),
    ]
    height = max(bottoms) + MARGIN
    boxes["death"] = Box("death", "Death", DEATH_X, TOP, DEATH_WIDTH, height - TOP - 2 * MARGIN)
    return boxes, headings, height


def _say_trait(trait: Trait, specification: Specification) -> str:
    """Say what a trait is; one without a title of its own is the liability to the condition that has its name."""
    if trait.title:
        return trait.title
    of = next((condition.title for condition in specification.conditions if condition.name == trait.name), "")
    return f"Liability to {of[0].lower()}{of[1:]}" if of else trait.name.replace("_", " ")


def _box_svg(box: Box) -> str:
    longest = int((box.width - 14) / LETTER)
    title = box.title if len(box.title) <= longest else box.title[: longest - 1] + "…"
    return (
        f'<g class="n n-{box.name}"><title>{escape(box.title)}</title>'
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="4"/>'
        f'<text x="{box.x + 7}" y="{box.y + min(box.height, BOX_HEIGHT) / 2 + 4}">{escape(title)}</text></g>'
    )


def _arrow_svg(arrow: Arrow, boxes: dict[str, Box]) -> str:
    source, target = boxes[arrow.source], boxes[arrow.target]
    start_y, end_y = source.y + source.height / 2, target.y + target.height / 2
    if target.name == "death":
        end_y = start_y
    if source.x == target.x:  # an arc beside the column, the wider the further
        side = source.x + source.width
        bulge = side + min(24 + abs(end_y - start_y) * 0.22, 150)
        line = f"M{side},{start_y:g} C{bulge:g},{start_y:g} {bulge:g},{end_y:g} {side},{end_y:g}"
    else:
        start, end = (source.x + source.width, target.x) if source.x < target.x else (source.x, target.x + target.width)
        middle = (start + end) / 2
        line = f"M{start},{start_y:g} C{middle:g},{start_y:g} {middle:g},{end_y:g} {end},{end_y:g}"
    width = 0.6 + 1.6 * min(arrow.log_ratio, 2.0)
    words = f"{source.title} → {target.title}: {arrow.words}"
    return (
        f'<path class="{arrow.kind} a-{arrow.source} a-{arrow.target}" d="{line}" stroke-width="{width:.1f}" '
        f'marker-end="url(#sk-{arrow.kind})">'
        f"<title>{escape(words)}</title></path>"
    )
