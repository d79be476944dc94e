"""Learn: the modules by domain and level, and a module."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from sandkasse.portal.acts import Acts
from sandkasse.portal.learning_map import draw_map, order_modules
from sandkasse.portal.render import LEVELS, take_page
from sandkasse.portal.visit import SignedIn

router = APIRouter(prefix="/learn")

Choices = Annotated[list[str], Query(max_length=50)]
CODE = {"python": "Python", "r": "R"}
TEXT = {"en": "English", "da": "Danish"}
LENGTHS = {"short": ("Up to 2 hours", 0, 2), "day": ("2 to 8 hours", 2, 8), "long": ("More than 8 hours", 8, 1000)}


@dataclass(frozen=True)
class Filters:
    """What a reader looks for: of each kind one of the chosen, or any where none is chosen."""

    domain: Choices
    level: Choices
    hours: Choices
    data: Choices
    code: Choices
    language: Choices

    def fit(self, module: Any) -> bool:
        """Tell whether a module is among what was chosen."""
        return (
            (not self.domain or module.domain in self.domain)
            and (not self.level or module.level in self.level)
            and (not self.hours or any(_lasts(module, name) for name in self.hours))
            and (not self.data or not set(self.data).isdisjoint(module.contracts))
            and (not self.code or not set(self.code).isdisjoint(module.languages))
            and (not self.language or module.language in self.language)
        )


def _read_filters(
    domain: Choices = [],  # noqa: B006  FastAPI copies it
    level: Choices = [],  # noqa: B006
    hours: Choices = [],  # noqa: B006
    data: Choices = [],  # noqa: B006
    code: Choices = [],  # noqa: B006
    language: Choices = [],  # noqa: B006
) -> Filters:
    return Filters(domain, level, hours, data, code, language)


@router.get("")
def list_modules(
    visit: SignedIn,
    filters: Annotated[Filters, Depends(_read_filters)],
    q: Annotated[str, Query(max_length=200)] = "",
    page: int = 1,
) -> Response:
    """Show the modules that fit, as a map by domain and level, and as a list."""
    acts = visit.desk.acts
    modules = order_modules(acts.list_modules())
    chosen = [module for module in modules if _fits(module, q) and filters.fit(module)]
    chosen.sort(key=lambda module: module.domain.casefold())  # and in the order in which one would take them
    paging = take_page(chosen, page)
    return visit.page(
        "learn/list.html",
        paging=paging,
        picture=draw_map(paging.items) if paging.total > 1 else None,
        n_all=len(modules),
        faults=acts.list_module_faults(),
        domains=sorted(Counter(module.domain for module in modules).items()),
        known_levels=[name for name in LEVELS if any(module.level == name for module in modules)],
        lengths={name: says for name, (says, _, _) in LENGTHS.items() if any(_lasts(m, name) for m in modules)},
        known_data=_count_data(acts, modules),
        codes=[(name, says, n) for name, says in CODE.items() if (n := sum(name in m.languages for m in modules))],
        texts=[(name, TEXT.get(name, name), n) for name, n in sorted(Counter(m.language for m in modules).items())],
        passed=Counter(entry.module_id for entry in acts.list_progress(visit.user_id) if entry.is_passed),
        q=q,
        **vars(filters),
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


def _count_data(acts: Acts, modules: Sequence[Any]) -> list[tuple[str, str, int]]:
    """List what the modules open: a contract's name, the title of the dataset that keeps it, and how many open it."""
    titles: dict[str, str] = {}
    for card in acts.list_datasets():
        if card.default_for or card.contract.name not in titles:
            titles[card.contract.name] = card.title
    counted = Counter(name for module in modules for name in module.contracts)
    return [(name, titles.get(name, name), n) for name, n in counted.most_common()]


def _lasts(module: Any, name: str) -> bool:
    _, low, high = LENGTHS.get(name, ("", 0, 0))
    return bool(low < module.hours <= high)
