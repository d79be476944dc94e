"""Tables by name: after a dot, in brackets, in a loop, and completed by the tabulator key."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

from sandkasse.core.errors import TableNotFoundError

AnyTable = TypeVar("AnyTable")


class UnknownNameError(AttributeError):
    """A name after the dot that is no table or column; a notebook shows its two lines, and no stack of ours."""

    def _render_traceback_(self) -> list[str]:
        return [f"AttributeError: {self}"]


class NamedTables(ABC, Generic[AnyTable]):
    """Tables that have names; a subclass says which, and how one is opened."""

    @property
    @abstractmethod
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""

    @abstractmethod
    def __getitem__(self, table: str) -> AnyTable:
        """Give a table.

        Raises:
            TableNotFoundError: If there is no such table; names the nearest.
        """

    def __getattr__(self, name: str) -> AnyTable:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except TableNotFoundError as error:
            raise UnknownNameError(str(error), name=name, obj=self) from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.tables})

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __contains__(self, table: object) -> bool:
        return table in self.tables

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.tables)
