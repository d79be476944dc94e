"""`sandkasse.check(exercise, answer)` as a learner meets it in a notebook."""

import os
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from sandkasse.actions import modules
from sandkasse.core.errors import PortalUnreachableError, SandkasseError, error_classes
from sandkasse.core.settings import Settings, read_settings

if TYPE_CHECKING:
    from sandkasse.training.verdict import Measure, Verdict

TIMEOUT: Final = httpx.Timeout(connect=5.0, read=120.0, write=30.0, pool=5.0)
LARGEST_REPLY: Final = 1_000_000

_tries: Counter[tuple[str | None, str]] = Counter()


def check(exercise: str, answer: Any = ...) -> "VerdictCard | BlankCard":
    """Check an answer and show how good it is.

    Args:
        exercise: The exercise's id, as the lesson names it.
        answer: A number, a text, or a table of Ibis, pandas, polars or Arrow. Three dots stand for "not answered yet".

    Returns:
        A card that the notebook shows: verdict, a bar against the attainable best, the kind of error that dominates,
        one hint, tries so far.

    Raises:
        AnswerShapeError: If the answer does not have the shape that the exercise asks for.
        ExerciseNotFoundError: If the module has no such exercise.
        RateLimitedError: If too many answers were handed in lately.
        PortalUnreachableError: If there is no portal to ask.
    """
    if modules.is_blank(answer):
        return BlankCard(exercise)
    value = modules.to_answer(answer)
    settings = read_settings(os.environ)
    if settings.portal_url == modules.OFFLINE:
        _tries[settings.module_id, exercise] += 1
        tries = _tries[settings.module_id, exercise]
        return VerdictCard(modules.check_answer_offline(settings, settings.module_id, exercise, value, tries=tries))
    content_type, body = modules.write_submission(exercise, value)
    reply = _send(settings, content_type, body)
    try:
        return VerdictCard(modules.read_verdict(reply.content))
    except ValueError as exc:
        raise _unexpected(reply) from exc


def _send(settings: Settings, content_type: str, body: bytes) -> httpx.Response:
    if not settings.portal_url or not settings.token:
        raise PortalUnreachableError(
            "No portal is known here, so nobody can check the answer.",
            next_step="start the module from the portal (sandkasse up), and work in the notebook that it opens",
        )
    address = settings.portal_url.rstrip("/") + "/api/attempts"
    headers = {"Authorization": f"Bearer {settings.token}", "Content-Type": content_type, "Accept": "application/json"}
    try:
        # The environment's proxies are left out: the token goes to the portal and nowhere else.
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
            reply = client.post(address, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise PortalUnreachableError(
            "The portal does not answer.", next_step="see whether sandkasse up is still running, then check again"
        ) from exc
    if reply.status_code != httpx.codes.OK:
        raise _error_of(reply)
    return reply


def _error_of(reply: httpx.Response) -> SandkasseError:
    """Turn the portal's JSON error back into the error that it was."""
    classes = {cls.code: cls for cls in error_classes()}
    try:
        told = orjson.loads(reply.content[:LARGEST_REPLY])
        return classes.get(told["code"], SandkasseError)(str(told["message"]), next_step=str(told["next"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return _unexpected(reply)


def _unexpected(reply: httpx.Response) -> PortalUnreachableError:
    return PortalUnreachableError(
        f"The portal gave an unexpected answer (status {reply.status_code}).",
        next_step="see whether sandkasse up is still running, then start the module again from the portal",
    )


class BlankCard:
    """Says that an exercise is still to be answered."""

    def __init__(self, exercise: str) -> None:
        self.exercise = exercise

    def __repr__(self) -> str:
        return f"{self.exercise}: not answered yet. Replace the three dots by your answer, and run the cell again."

    def _repr_html_(self) -> str:
        return (
            f"<div role='group' aria-label='Exercise {escape(self.exercise, quote=True)}' style='{_FRAME}'>"
            "<p style='margin:0'><b>Not answered yet.</b> "
            "Replace the three dots by your answer, and run the cell again.</p>"
            "</div>"
        )


class VerdictCard:
    """Shows a verdict: as text, or in a notebook as a small card that is readable in light and dark.

    Args:
        verdict: What was said about the answer.
    """

    def __init__(self, verdict: "Verdict") -> None:
        self.verdict = verdict

    @property
    def passed(self) -> bool:
        """Whether the answer is good enough."""
        return self.verdict.passed

    def __repr__(self) -> str:
        return "\n".join(self.verdict.lines())

    def _repr_html_(self) -> str:
        return _card(self.verdict)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
            modules.VERDICT_MIME: self.verdict.model_dump(mode="json"),
        }


_FRAME = "border-left:4px solid currentColor;padding:.3em 0 .3em 1em;max-width:72ch;margin:.4em 0"


def _card(verdict: "Verdict") -> str:
    colour = "#0072b2" if verdict.passed else "#d55e00"
    pieces = [
        f"<div role='group' aria-label='Verdict on {escape(verdict.exercise, quote=True)}' "
        f"style='{_FRAME.replace('currentColor', colour)}'>",
        f"<p style='margin:0;font-size:1.1em'><b><span aria-hidden='true'>{'✓' if verdict.passed else '○'}</span> "
        f"{verdict.heading()}</b> {escape(verdict.says)}</p>",
    ]
    score_line = verdict.score_line()
    if score_line:
        pieces.append(_bar(verdict, score_line))
    if verdict.dominating:
        pieces.append(_paragraph("What weighs most", verdict.dominating.title))
    if verdict.hint:
        pieces.append(_paragraph("Hint", verdict.hint))
    pieces.append(_groups(verdict.measures))
    pieces += [f"<p style='margin:.4em 0 0'>{escape(note)}</p>" for note in verdict.notes]
    pieces.append(f"<p style='margin:.4em 0 0;opacity:.8'>{escape(verdict.tries_line())}</p></div>")
    return "".join(pieces)


def _paragraph(title: str, text: str) -> str:
    return f"<p style='margin:.4em 0 0'><b>{escape(title)}:</b> {escape(text)}</p>"


def _bar(verdict: "Verdict", score_line: str) -> str:
    """Draw the score as a bar, with marks where it passes, where the reference stands and what the data allow."""
    score = 100 * (verdict.score or 0.0)
    marks = [(100 * (verdict.pass_at or 0.0), "passes", "4 3")]
    if verdict.reference:
        marks.append((100 * verdict.reference.score, "reference", "1 3"))
    if verdict.attainable is not None:
        marks.append((100 * verdict.attainable, "best known", "0"))
    lines = "".join(
        f"<line x1='{at:.0f}%' x2='{at:.0f}%' y1='0' y2='18' "
        f"stroke='currentColor' stroke-width='2' stroke-dasharray='{dash}'>"
        f"<title>{escape(name)}</title></line>"
        for at, name, dash in marks
    )
    label = escape(score_line, quote=True)
    return (
        f"<svg role='img' aria-label='{label}' width='100%' height='18' "
        "style='max-width:480px;display:block;margin:.5em 0 .2em'>"
        "<rect width='100%' height='12' y='3' fill='currentColor' opacity='.15'/>"
        f"<rect width='{score:.0f}%' height='12' y='3' fill='#0072b2'/>{lines}</svg>"
        f"<p style='margin:0;font-size:.9em'>{escape(score_line)}</p>"
    )


def _groups(measures: "tuple[Measure, ...]") -> str:
    groups = list(dict.fromkeys(measure.group for measure in measures if measure.group))
    names = list(dict.fromkeys(measure.name for measure in measures if measure.group))
    if not groups:
        return ""
    values = {(measure.group, measure.name): measure.value for measure in measures}
    head = "".join(f"<th scope='col' style='text-align:right'>{escape(name)}</th>" for name in names)
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left;font-weight:400'>{escape(group)}</th>"
        + "".join(f"<td style='text-align:right'>{_percent(values, (group, name))}</td>" for name in names)
        + "</tr>"
        for group in groups
    )
    return (
        "<details style='margin:.4em 0 0'><summary>By group</summary>"
        "<table style='margin:.3em 0;color:inherit;font:inherit'>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _percent(values: dict[tuple[str | None, str], float | None], place: tuple[str, str]) -> str:
    if place not in values:
        return "–"
    value = values[place]
    return "too few" if value is None else f"{value:.0%}"
