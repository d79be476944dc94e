"""The registry of graders: the names that `module.yaml` may use."""

from collections.abc import Mapping

from sandkasse.training.graders.base import Answer, Grader, Info, Material, Outcome, Parameters
from sandkasse.training.graders.choice import ChoiceGrader
from sandkasse.training.graders.classification import ClassificationGrader
from sandkasse.training.graders.dates import DatesGrader
from sandkasse.training.graders.interval import IntervalGrader
from sandkasse.training.graders.number import NumberGrader
from sandkasse.training.graders.table import TableGrader

_ALL: tuple[Grader, ...] = (
    ClassificationGrader(),
    DatesGrader(),
    NumberGrader(),
    IntervalGrader(),
    ChoiceGrader(),
    TableGrader(),
)
GRADERS: Mapping[str, Grader] = {grader.info.id: grader for grader in _ALL}

__all__ = ["GRADERS", "Answer", "Grader", "Info", "Material", "Outcome", "Parameters"]
