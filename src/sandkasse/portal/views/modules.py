"""Learn: the modules by domain and level, and a module."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from sandkasse.portal.learning_map import draw_map
from sandkasse.portal.render import LEVELS, take_page
from sandkasse.portal.visit import SignedIn

router = APIRouter(prefix="/learn")

Choices = Annotated[list[str], Query(max_length=50)]
LENGTHS = {"short": ("Up to 2 hours", 0, 2), "day": ("2 to 8 hours", 2, 8), "long": ("More than 8 hours", 8, 1000)}


@router.get("")
def list_modules(
    visit: SignedIn,
    q: Annotated[str, Query(max_length=200)] = "",
    domain: Choices = [],  # noqa: B006  FastAPI copies it
    level: Choices = [],  # noqa: B006
    hours: Choices = [],  # noqa: B006
    page: int = 1,
) -> Response:
    """Show the modules that fit, as a map by domain and level, and as a list."""
    modules = visit.desk.acts.list_modules()
    chosen = [
        module
        for module in modules
        if _fits(module, q)
        and (not domain or module.domain in domain)
        and (not level or module.level in level)
        and (not hours or any(_lasts(module, name) for name in hours))
    ]
    chosen.sort(key=lambda module: (module.domain.casefold(), LEVELS.index(module.level), module.title.casefold()))
    paging = take_page(chosen, page)
    done = visit.desk.acts.list_progress(visit.user_id)
    return visit.page(
        "learn/list.html",
        paging=paging,
        picture=draw_map(paging.items) if paging.total > 1 else None,
        n_all=len(modules),
        faults=visit.desk.acts.list_module_faults(),
        domains=sorted(Counter(module.domain for module in modules).items()),
        known_levels=[name for name in LEVELS if any(module.level == name for module in modules)],
        lengths={name: says for name, (says, _, _) in LENGTHS.items() if any(_lasts(m, name) for m in modules)},
        passed=Counter(entry.module_id for entry in done if entry.is_passed),
        q=q,
        domain=domain,
        level=level,
        hours=hours,
    )


@router.get("/{module_id}")
def show_module(visit: SignedIn, module_id: str) -> Response:
    """Show a module: what it teaches, what it needs, its exercises with their state, and the button that starts it."""
    acts = visit.desk.acts
    module = acts.show_module(module_id)
    workspaces = [space for space in acts.list_workspaces(visit.user_id) if space.module_id == module_id]
    contracts = {}
    for card in acts.list_datasets():
        if card.contract.name in module.contracts and (card.default_for or card.contract.name not in contracts):
            contracts[card.contract.name] = card
    return visit.page(
        "learn/show.html",
        module=module,
        running=next((space for space in workspaces if space.is_running), None),
        has_begun=bool(workspaces),
        progress={e.exercise_id: e for e in acts.list_progress(visit.user_id) if e.module_id == module_id},
        contracts=contracts,
        titles={other.id: other.title for other in acts.list_modules()},
        offers_workspaces=acts.offers_workspaces,
        is_isolated=acts.is_isolated,
        why_not_isolated=acts.why_not_isolated,
    )


def _fits(module: Any, q: str) -> bool:
    """Tell whether every word of the search occurs in what the module says."""
    parts = (module.title, module.summary, module.domain, *module.outcomes, *module.tools)
    said = " ".join(parts).casefold()
    return all(word in said for word in q.casefold().split())


def _lasts(module: Any, name: str) -> bool:
    _, low, high = LENGTHS.get(name, ("", 0, 0))
    return bool(low < module.hours <= high)
