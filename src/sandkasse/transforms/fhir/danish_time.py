"""Danish clocks: FHIR wants to know by how much a moment of the day differs from universal time."""

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Moments = npt.NDArray[np.datetime64]

_STANDARD, _SUMMER = "+01:00", "+02:00"
# Summer time has ended on the last Sunday of October since 1996; the register's moments begin in 2019.
_FIRST_YEAR = 1996


def with_offset(moments: pa.Array) -> pa.Array:
    """Write local Danish moments as FHIR does: `2020-04-13T12:25:00+02:00`.

    Summer time lasts from the last Sunday of March, 02:00, to the last Sunday of October, 03:00 local time. The hour
    that comes twice in October is summer time, the one that does not exist in March standard time: our choice.

    Args:
        moments: Timestamps without a time zone; none before 1996.

    Returns:
        Texts; null stays null.

    Source:
        Directive 2000/84/EC on summer-time arrangements.
    """
    whole = moments.cast(pa.timestamp("s"), safe=False)
    numbers = whole.fill_null(0).to_numpy(zero_copy_only=False).astype("datetime64[s]")
    starts, ends = _summers(numbers)
    year = numbers.astype("datetime64[Y]").astype(int) + 1970
    summer = (numbers >= starts[year - year.min()]) & (numbers < ends[year - year.min()]) if len(numbers) else []
    offsets = pa.array(np.where(summer, _SUMMER, _STANDARD) if len(numbers) else [], pa.string())
    texts = pc.strftime(whole, format="%Y-%m-%dT%H:%M:%S")
    return pc.binary_join_element_wise(texts, offsets, "")


def _summers(numbers: Moments) -> tuple[Moments, Moments]:
    years = numbers.astype("datetime64[Y]").astype(int) + 1970
    between = range(int(years.min()), int(years.max()) + 1) if len(years) else range(0)
    starts = [_last_sunday(year, 3) + timedelta(hours=3) for year in between]
    ends = [_last_sunday(year, 10) + timedelta(hours=3) for year in between]
    return np.array(starts, "datetime64[s]"), np.array(ends, "datetime64[s]")


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31)  # noqa: DTZ001  local time without a zone is what the register holds
    return last - timedelta(days=(last.weekday() + 1) % 7)
