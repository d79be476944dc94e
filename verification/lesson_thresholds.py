"""Print what right and wrong approaches to a module's exercises score on several cohorts, beside the pass marks.

    python verification/lesson_thresholds.py --seeds 11 12 13 14 15 --persons 20000 --keep /tmp/cohorts
    python verification/lesson_thresholds.py --seeds 11 12 13 --module modules/five-case-definitions --keep /tmp/cohorts

The pass marks in `modules/who-has-diabetes/module.yaml` were chosen from this table, over all seeds and several grading
keys: below the worst right approach, and above the best wrong one.
"""

import argparse
import importlib.util
import os
import tempfile
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import ibis

from sandkasse.actions.cohorts import CohortRequest, Engine, simulate_cohort
from sandkasse.core.errors import AnswerShapeError
from sandkasse.core.settings import read_settings
from sandkasse.training.answers import to_answer
from sandkasse.training.facts import read_truth, run_statements
from sandkasse.training.grading import exercise_statements, grade_prepared, prepare_exercise, read_parameters
from sandkasse.training.spec import Exercise, read_module

MODULE = Path(__file__).resolve().parents[1] / "modules" / "who-has-diabetes"
DATASETS = Path(__file__).resolve().parents[1] / "datasets"
KEYS = tuple(bytes([number]) * 32 for number in range(1, 4))


class Registers:
    """The tables of a folder, as a learner meets them: `registers.bef`, `registers["bef"]`, `registers.connection`."""

    def __init__(self, data: Path) -> None:
        self.connection = ibis.duckdb.connect()
        self._tables = {}
        for path in sorted(data.iterdir()):
            files = str(path / "*.parquet") if path.is_dir() else str(path)
            self._tables[path.stem] = self.connection.read_parquet(files, table_name=path.stem)

    def __getitem__(self, table: str) -> Any:
        return self._tables[table]

    def sql(self, query: str) -> Any:
        """Ask in SQL, as `Dataset.sql` does: an Arrow table."""
        return self.connection.con.sql(query).to_arrow_table()

    def __getattr__(self, table: str) -> Any:
        return self._tables[table]


def import_answers(folder: Path) -> ModuleType:
    """Import a module's `answers.py`."""
    spec = importlib.util.spec_from_file_location("lesson_answers", folder / "answers.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder.name} has no answers.py")
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    return code


def score_cohort(
    exercise: Exercise, code: ModuleType, data: Any, folder: Path, truth: Path | None
) -> dict[str, list[str]]:
    """Score every approach to one exercise on one cohort, under several grading keys.

    Returns:
        Approach to what was found: the score or the number, and whether it passed, one a key.
    """
    facts = run_statements(exercise_statements(exercise), folder, truth, definitions=exercise.definitions)
    grader, parameters = read_parameters(exercise)
    columns = grader.truth_columns(parameters)
    tables = read_truth(truth, columns=columns) if truth and columns else {}
    found = defaultdict(list)
    prepared = [prepare_exercise(exercise, tables, key=key, facts=facts, module_id="who-has-diabetes") for key in KEYS]
    for kind, items in (("accepted", exercise.accepted), ("refused", exercise.refused)):
        for item in items:
            name = f"{kind:8} {item.answer}"
            try:
                answer = to_answer(getattr(code, item.answer)(data))
            except AnswerShapeError as error:
                found[name].append(f"SHAPE {error.message}")
                continue
            for one in prepared:
                try:
                    graded = grade_prepared(one, answer)
                except AnswerShapeError as error:
                    found[name].append(f"SHAPE {error.message}")
                    continue
                verdict = graded.verdict
                value = round(float(answer), 4) if exercise.grader == "number" else graded.mark
                measures = "/".join(f"{m.value:.2f}" for m in verdict.measures[:2] if m.value is not None)
                mark = "pass" if verdict.passed else "----"
                wrong = verdict.passed != (kind == "accepted")
                about = verdict.dominating.id if verdict.dominating else "-"
                wrong = wrong or (kind == "refused" and getattr(item, "error", None) not in (None, about))
                found[name].append(f"{value} {mark} {measures} {about}{'   <-- NOT AS PROMISED' if wrong else ''}")
    if exercise.attainable or exercise.reference:
        found["methods"].append(f"reference {prepared[0].reference} attainable {prepared[0].attainable}")
    return dict(found)


def main() -> None:
    """Simulate the cohorts that are not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13, 14, 15])
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, default=None, help="folder in which cohorts are kept and looked for")
    parser.add_argument("--module", type=Path, default=MODULE)
    parser.add_argument("--only", nargs="*", default=None, help="exercises")
    arguments = parser.parse_args()
    module, code = read_module(arguments.module), import_answers(arguments.module)
    with tempfile.TemporaryDirectory() as temporary:
        place = arguments.keep or Path(temporary)
        for seed in arguments.seeds:
            cohort = place / f"{arguments.persons}-{seed}"
            if not cohort.exists():
                request = CohortRequest(n_persons=arguments.persons, seed=seed, out=cohort, engine=Engine(workers=1))
                simulate_cohort(read_settings(os.environ), request)
            for exercise in module.exercises:
                if arguments.only and exercise.id not in arguments.only:
                    continue
                if exercise.contract == "dk-registers":
                    folder, truth = cohort / "registers", cohort / "truth"
                else:
                    folder, truth = DATASETS / exercise.contract, None
                if truth is None and seed != arguments.seeds[0]:
                    continue
                data = Registers(folder / "data")
                print(f"\nseed {seed}  {exercise.id}  pass_at {exercise.parameters.get('pass_at', '')}", flush=True)
                for name, results in score_cohort(exercise, code, data, folder, truth).items():
                    for result in dict.fromkeys(results):
                        print(f"  {name:38} {result}", flush=True)


if __name__ == "__main__":
    main()
