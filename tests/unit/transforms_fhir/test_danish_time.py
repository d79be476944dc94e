# ruff: noqa: DTZ001  the register holds local time without a zone
"""Danish clocks against the time zone database."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from sandkasse.transforms.fhir.danish_time import with_offset


def test_every_hour_of_the_registers_years_has_the_offset_of_the_time_zone_database():
    zone = ZoneInfo("Europe/Copenhagen")
    first = datetime(2019, 1, 1)
    moments = [first + timedelta(hours=hour, minutes=25) for hour in range(24 * 365 * 8)]
    # fold=0 is the first of the two hours in October; the hour that does not exist gets the offset before the change.
    expected = [moment.replace(tzinfo=zone).isoformat() for moment in moments]
    written = with_offset(pa.array(moments, pa.timestamp("ms"))).to_pylist()
    assert written == expected


def test_nothing_stays_nothing():
    assert with_offset(pa.array([None, datetime(2020, 7, 1)], pa.timestamp("ms"))).to_pylist() == [
        None,
        "2020-07-01T00:00:00+02:00",
    ]
    assert with_offset(pa.array([], pa.timestamp("ms"))).to_pylist() == []
