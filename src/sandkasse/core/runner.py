"""How many independent pieces of work are done: one Protocol, with one implementation for each place to compute."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Runner(Protocol):
    """Does pieces of work that do not depend on one another."""

    def run(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, prepare: Callable[[], None]
    ) -> Iterator[Result]:
        """Do every task, in any order, and give each result as soon as it is there.

        Args:
            work: A function of a module, so that another process can find it; its result must depend on the task alone.
            tasks: Pieces of work.
            prepare: Called once in every process that works, before its first task.

        Yields:
            The results, in the order in which they are finished.

        Raises:
            RunInterruptedError: If the work was stopped, or a working process died.
        """
        ...
