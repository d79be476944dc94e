"""The registry of graders: the names that `module.yaml` may use."""

from collections.abc import Mapping

from sandkasse.training.graders.base import Answer, Grader, Info, Material, Outcome, Parameters
from sandkasse.training.graders.classification import ClassificationGrader
from sandkasse.training.graders.number import NumberGrader

_ALL: tuple[Grader, ...] = (ClassificationGrader(), NumberGrader())
GRADERS: Mapping[str, Grader] = {grader.info.id: grader for grader in _ALL}

__all__ = ["GRADERS", "Answer", "Grader", "Info", "Material", "Outcome", "Parameters"]
