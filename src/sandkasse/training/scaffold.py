"""A new module from the template: small, and right from the start."""

import os
import re
from pathlib import Path

from sandkasse.core.errors import InvalidInputError
from sandkasse.training.spec import ANSWERS_FILE, MODULE_FILE

_ID = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")

MODULE_TEMPLATE = """\
id: {id}
title: {title}
version: 0.1.0
summary: >-
  Say in two or three sentences what this module is about.
outcomes:
  - Count persons in a register.
domain: health records
level: introductory
hours: 1
language: en
contracts:
  - dk-registers
parts:
  - id: begin
    title: A first part
    lesson: 01-begin.md
    solution: 01-begin-solution.md
    minutes: 60
exercises:
  - id: how-many-residents
    part: begin
    title: How many residents?
    prompt: How many persons were resident on 1 January 2024?
    contract: dk-registers
    grader: number
    parameters:
      sql: SELECT count(*) AS value FROM bef WHERE referencetid = DATE '2024-01-01'
      tolerance: {{decimals: 0}}
      unit: persons
      mistakes:
        - error: all-years
          sql: SELECT count(*) AS value FROM bef
    errors:
      - id: all-years
        title: Every year is counted
        hint: The table has one row for every person and year. Which rows do you need?
    accepted:
      - {{answer: count_rows_of_the_day, title: Rows of that day}}
      - {{answer: count_persons_of_the_day, title: Persons of that day}}
    refused:
      - {{answer: count_all_rows, title: All rows, error: all-years}}
licence:
  name: CC-BY-4.0
  url: https://creativecommons.org/licenses/by/4.0/
authors:
  - name: Your name
"""

LESSON_TEMPLATE = """\
---
kernelspec:
  name: python3
  display_name: Python 3
---

# A first part

The population register `bef` has one row for every person and every 1 January.

```{{code-cell}}
import sandkasse

data = sandkasse.open("dk-registers")
data.bef.head(3).execute()
```

## Check: how many residents?

How many persons were resident on 1 January 2024? Replace the three dots by your number.

```{{code-cell}}
sandkasse.check("how-many-residents", ...)
```
"""

SOLUTION_TEMPLATE = """\
---
kernelspec:
  name: python3
  display_name: Python 3
---

# A first part: a worked solution

```{{code-cell}}
import sandkasse

data = sandkasse.open("dk-registers")
```

One day's rows are one row a person.

```{{code-cell}}
residents = data.bef.filter(data.bef.referencetid == "2024-01-01")
sandkasse.check("how-many-residents", residents.count())
```
"""

ANSWERS_TEMPLATE = '''\
"""Right and wrong approaches to the exercises, tried by `sandkasse module test`."""


def _of_the_day(data):
    return data.bef.filter(data.bef.referencetid == "2024-01-01")


def count_rows_of_the_day(data):
    return _of_the_day(data).count()


def count_persons_of_the_day(data):
    return _of_the_day(data).pnr.nunique()


def count_all_rows(data):
    return data.bef.count()
'''

TEMPLATES = {
    MODULE_FILE: MODULE_TEMPLATE,
    "01-begin.md": LESSON_TEMPLATE,
    "01-begin-solution.md": SOLUTION_TEMPLATE,
    ANSWERS_FILE: ANSWERS_TEMPLATE,
}


def create_module(shelf: Path, module_id: str, *, title: str) -> Path:
    """Make a new module's folder from the template.

    Args:
        shelf: The folder of all modules.
        module_id: Lower-case words with hyphens.
        title: As the catalogue shows it.

    Returns:
        The folder, which appears whole or not at all.

    Raises:
        InvalidInputError: If the id or the title is not one, or a module of this id exists.
    """
    if not _ID.match(module_id):
        raise InvalidInputError(
            f"A module's id is lower-case words with hyphens; got {module_id!r}.", next_step="choose such an id"
        )
    if not title.strip() or "\n" in title:
        raise InvalidInputError("A module's title is one line of text.", next_step="give --title")
    folder = shelf / module_id
    if folder.exists():
        raise InvalidInputError(f"There is a module named {module_id!r} already.", next_step="choose another id")
    draft = shelf / f".{module_id}.partial-{os.getpid()}"
    draft.mkdir(parents=True)
    for name, template in TEMPLATES.items():
        text = template.format(id=module_id, title=_quoted(title.strip())) if name != ANSWERS_FILE else template
        (draft / name).write_text(text, encoding="utf-8")
    draft.rename(folder)
    return folder


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
