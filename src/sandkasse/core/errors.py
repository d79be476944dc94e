"""Every error that Sandkasse raises on purpose.

SandkasseError
├── InvalidInputError            the caller can mend it
│   ├── ContractInvalidError       a contract file is not a contract
│   ├── ContractViolationError     data do not keep their contract
│   ├── AnswerShapeError           an answer has the wrong shape for its exercise
│   ├── ModuleInvalidError         a training module's files are not right
│   ├── AmbiguousDatasetError      several datasets keep the contract and none is bound
│   ├── MisdirectedError           a request came under a name that is not this site's
│   └── TooLargeError              a request is larger than what its address takes
├── NotFoundError                the caller named something that is not there
│   ├── DatasetNotFoundError
│   ├── TableNotFoundError
│   ├── ColumnNotFoundError
│   ├── TrainingModuleNotFoundError
│   ├── ExerciseNotFoundError
│   └── WorkspaceNotFoundError
├── PolicyDeniedError            an authorised person can grant it
│   ├── NotSignedInError
│   ├── RateLimitedError
│   └── IsolationRequiredError     the site's mode demands isolation that does not work here
├── FailureError                 something failed that should not; the log has the place
└── UpstreamError                the operator of the machine can mend it
    ├── CorruptDatasetError        files are truncated or were changed after publication
    ├── StorageFullError
    ├── PortInUseError
    ├── StoreInUseError            another process serves this store
    ├── WorkspaceStartError
    ├── PortalUnreachableError
    └── RunInterruptedError        a long run was stopped; what was finished is kept, nothing half-written
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import ClassVar, Self


class SandkasseError(Exception):
    """Something that a person can act on: one line that says what happened, and one that says what to do.

    Args:
        message: What was expected and what was got, in one line, without any person-level value.
        next_step: What the reader can do now.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, next_step: str) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\nnext: {self.next_step}"

    def __reduce__(self) -> tuple[Callable[..., "SandkasseError"], tuple[type["SandkasseError"], str, str]]:
        """Let a worker hand the error to the process that started it."""
        return _make_again, (type(self), self.message, self.next_step)

    def _render_traceback_(self) -> list[str]:
        """Give the lines that a notebook shows instead of a stack trace (a name that IPython looks for)."""
        return [f"{type(self).__name__}: {self.message}", f"next: {self.next_step}"]


class InvalidInputError(SandkasseError):
    """What the caller gave cannot be used."""

    code, exit_code, http_status = "invalid-input", 10, 400


class ContractInvalidError(InvalidInputError):
    """A contract file is not a contract that we can read."""

    code, exit_code, http_status = "contract-invalid", 11, 422


class ContractViolationError(InvalidInputError):
    """Data do not keep their contract."""

    code, exit_code, http_status = "contract-violation", 12, 422


class AnswerShapeError(InvalidInputError):
    """An answer has the wrong shape for its exercise."""

    code, exit_code, http_status = "answer-shape", 13, 422


class ModuleInvalidError(InvalidInputError):
    """A training module's files are not right."""

    code, exit_code, http_status = "module-invalid", 14, 422


class AmbiguousDatasetError(InvalidInputError):
    """Several datasets keep the contract, and none of them is bound to it."""

    code, exit_code, http_status = "ambiguous-dataset", 15, 409


class MisdirectedError(InvalidInputError):
    """A request came under a name that is not this site's."""

    code, exit_code, http_status = "misdirected", 16, 400


class TooLargeError(InvalidInputError):
    """A request is larger than anything that its address takes."""

    code, exit_code, http_status = "too-large", 17, 413


class NotFoundError(SandkasseError):
    """The caller named something that is not there."""

    code, exit_code, http_status = "not-found", 20, 404

    @classmethod
    def among(cls, kind: str, wanted: str, known: Iterable[str], *, command: str) -> Self:
        """Build the error for an unknown id, naming the known ids that come nearest.

        Args:
            kind: What was looked for, in words ("dataset").
            wanted: The id as it was given.
            known: The ids that exist.
            command: What lists them all.
        """
        ids = sorted(known)
        near = get_close_matches(wanted, ids, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}? Otherwise" if near else "see what there is:"
        return cls(f"There is no {kind} named {wanted!r}.", next_step=f"{hint} {command}")


class DatasetNotFoundError(NotFoundError):
    """No dataset has this id, or none keeps this contract."""

    code, exit_code = "dataset-not-found", 21


class TableNotFoundError(NotFoundError):
    """The dataset has no table of this name."""

    code, exit_code = "table-not-found", 22


class ColumnNotFoundError(NotFoundError):
    """The table has no column of this name."""

    code, exit_code = "column-not-found", 23


class TrainingModuleNotFoundError(NotFoundError):
    """No training module has this id."""

    code, exit_code = "module-not-found", 24


class ExerciseNotFoundError(NotFoundError):
    """The module has no exercise of this id."""

    code, exit_code = "exercise-not-found", 25


class WorkspaceNotFoundError(NotFoundError):
    """No workspace has this id, or it belongs to somebody else."""

    code, exit_code = "workspace-not-found", 26


class PolicyDeniedError(SandkasseError):
    """An authorised person would have to grant this."""

    code, exit_code, http_status = "denied", 30, 403


class NotSignedInError(PolicyDeniedError):
    """Nobody is signed in, or the token is not valid any more."""

    code, exit_code, http_status = "not-signed-in", 31, 401


class RateLimitedError(PolicyDeniedError):
    """Too many answers in too short a time."""

    code, exit_code, http_status = "rate-limited", 32, 429


class IsolationRequiredError(PolicyDeniedError):
    """The site's mode demands isolation between users, and it does not work on this machine."""

    code, exit_code, http_status = "isolation-required", 33, 503


class FailureError(SandkasseError):
    """Something failed that should not: the page names a reference, the log has the place."""

    code, exit_code, http_status = "failure", 39, 500


class UpstreamError(SandkasseError):
    """Something outside Sandkasse failed; the operator of the machine can mend it."""

    code, exit_code, http_status = "upstream", 40, 503


class CorruptDatasetError(UpstreamError):
    """A dataset's files are truncated, or were changed after they were published."""

    code, exit_code, http_status = "corrupt-dataset", 41, 500


class StorageFullError(UpstreamError):
    """There is no room left on the disk."""

    code, exit_code, http_status = "storage-full", 42, 507


class PortInUseError(UpstreamError):
    """Another program listens on the port that was asked for."""

    code, exit_code = "port-in-use", 43


class StoreInUseError(UpstreamError):
    """Another process serves this store."""

    code, exit_code, http_status = "store-in-use", 44, 409


class WorkspaceStartError(UpstreamError):
    """A notebook server did not start."""

    code, exit_code = "workspace-start", 45


class PortalUnreachableError(UpstreamError):
    """A notebook cannot reach the portal that checks its answers."""

    code, exit_code = "portal-unreachable", 46


class RunInterruptedError(UpstreamError):
    """A long run was stopped before its end; what was finished is kept, nothing half-written."""

    code, exit_code = "interrupted", 47


def _make_again(kind: type[SandkasseError], message: str, next_step: str) -> SandkasseError:
    return kind(message, next_step=next_step)


def error_classes() -> list[type[SandkasseError]]:
    """List every error class, the base first, in the order of the tree above."""
    found: list[type[SandkasseError]] = []
    waiting: list[type[SandkasseError]] = [SandkasseError]
    while waiting:
        found.append(waiting.pop(0))
        waiting = found[-1].__subclasses__() + waiting
    return found
