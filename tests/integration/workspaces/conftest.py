"""A site with two small modules on a public dataset, and a launcher that starts nothing."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sandkasse.actions.site import Site, open_site, prepare_site
from sandkasse.core.database import transaction
from sandkasse.core.errors import WorkspaceStartError
from sandkasse.core.settings import Settings
from sandkasse.people.accounts import add_person, take_laptop_user
from sandkasse.workspaces.launcher import Info, Isolation, RunningWorkspace, WorkspaceRequest

REPOSITORY = Path(__file__).parents[3]
MODULE = """\
id: {id}
title: Module {id}
version: 1.0.0
summary: A module for tests.
outcomes: [Count persons.]
domain: health records
level: introductory
hours: 1
language: en
contracts: [diabetes-register-sample]
parts:
  - {{id: first, title: First, lesson: 01-first.md, solution: 01-first-solution.md, minutes: 10}}
exercises:
  - id: count-persons
    part: first
    title: Count
    prompt: How many persons are there?
    contract: diabetes-register-sample
    grader: number
    parameters:
      sql: SELECT count(*) AS value FROM persons
      tolerance: {{relative: 0.0001, because: A count is exact}}
      unit: persons
licence: {{name: CC-BY-4.0, url: "https://creativecommons.org/licenses/by/4.0/"}}
authors: [{{name: Nobody}}]
"""
LESSON = """\
---
kernelspec:
  name: python3
  display_name: Python 3
---

# First

```{code-cell}
import sandkasse
sandkasse.check("count-persons", ...)
```
"""


@dataclass
class FakeLauncher:
    """Keeps the launcher's promises without a process; remembers what it was asked."""

    isolation: Isolation = "bubblewrap"
    fails: bool = False
    requests: list[WorkspaceRequest] = field(default_factory=list)
    running: dict[str, RunningWorkspace] = field(default_factory=dict)

    @property
    def info(self) -> Info:
        why = "" if self.isolation == "bubblewrap" else "a test said so"
        return Info(id="fake", title="Fake", isolation=self.isolation, why_not_isolated=why)

    def start(self, request: WorkspaceRequest) -> RunningWorkspace:
        self.requests.append(request)
        if self.fails:
            raise WorkspaceStartError("It did not start.", next_step="try again")
        found = RunningWorkspace(
            workspace_id=request.workspace_id,
            user_id=request.user_id,
            module_id=request.module_id,
            port=4000 + len(self.requests),
            isolation=self.isolation,
            url=f"http://localhost:4000/{request.workspace_id}/lab?token=notebook-secret",
        )
        return self.running.setdefault(request.workspace_id, found)

    def stop(self, workspace_id: str) -> None:
        self.running.pop(workspace_id, None)

    def list(self) -> tuple[RunningWorkspace, ...]:
        return tuple(self.running.values())


def build_content(folder: Path) -> Path:
    """Make shipped content: two modules and one public dataset."""
    for name in ("demo", "other"):
        module = folder / "modules" / name
        module.mkdir(parents=True)
        (module / "module.yaml").write_text(MODULE.format(id=name))
        (module / "01-first.md").write_text(LESSON)
        (module / "01-first-solution.md").write_text(LESSON.replace("...", "9996"))
        (module / "data").mkdir()
        (module / "data" / "small.csv").write_text("a,b\n")
    dataset = "diabetes-register-sample"
    shutil.copytree(REPOSITORY / "datasets" / dataset, folder / "datasets" / dataset)
    return folder


@pytest.fixture
def small_content(tmp_path: Path) -> Path:
    """Shipped content: two modules and one public dataset."""
    return build_content(tmp_path / "content")


@pytest.fixture
def launcher() -> FakeLauncher:
    return FakeLauncher()


@pytest.fixture
def site(tmp_path: Path, launcher: FakeLauncher) -> Iterator[Site]:
    """A site with the laptop's user and a second person."""
    settings = Settings(home=tmp_path / "home", content=build_content(tmp_path / "content"))
    prepare_site(settings)
    opened = open_site(replace(settings, portal_url="http://127.0.0.1:8765"), launcher=launcher)
    with transaction(opened.engine) as db:
        take_laptop_user(db, clock=opened.clock)
        add_person(db, user_id="second", name="Second", roles=("trainee",), clock=opened.clock)
    yield opened
    opened.engine.dispose()
