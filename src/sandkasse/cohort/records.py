"""Turn named tuples of arrays into one NumPy record, which compiled functions pass on as one pointer.

A named tuple of forty arrays is unpacked into hundreds of scalars at every call between compiled functions, which makes
compiling slow; a record is not.
"""

from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

Tuple = TypeVar("Tuple", bound=tuple[Any, ...])


def as_record(value: Tuple) -> Tuple:
    """Copy a named tuple of arrays, numbers and named tuples into one record with the same fields.

    Compiled code reads and writes its fields as those of the tuple; truth values become int8.

    Args:
        value: The named tuple; its arrays' shapes become part of the type.

    Returns:
        A NumPy record, typed as the tuple whose fields it has.
    """
    block = np.zeros(1, dtype=_layout(value))
    _fill(block[0], value)
    return cast(Tuple, block[0])


def words_of(record: Any) -> npt.NDArray[np.int64]:
    """Give the memory of a record, whose fields are all of 64 bits, as whole numbers: int64, shape (n_words,)."""
    words: npt.NDArray[np.int64] = record.base.view(np.int64)
    return words


def _layout(value: Any) -> np.dtype[Any]:
    fields: list[Any] = []
    for name, entry in zip(value._fields, value, strict=True):
        if hasattr(entry, "_fields"):
            fields.append((name, _layout(entry)))
        else:
            array = np.asarray(entry)
            kind = np.dtype(np.int8) if array.dtype == np.bool_ else array.dtype
            fields.append((name, kind, array.shape))
    return np.dtype(fields, align=True)


def _fill(block: Any, value: Any) -> None:
    for name, entry in zip(value._fields, value, strict=True):
        if hasattr(entry, "_fields"):
            _fill(block[name], entry)
        else:
            block[name] = entry
