"""Registers of single events: cancers, births, vaccinations."""

import numpy as np
import pyarrow as pa

from sandkasse.cohort.observation.society import Events, Society
from sandkasse.cohort.registers.columns import Ints, Shard, coded, dates
from sandkasse.cohort.registers.population import persons_coded


def emit_events(shard: Shard, people: pa.Array, society: Society) -> dict[str, pa.Table]:
    """Write down recognised cancers, births to resident mothers, and vaccinations.

    Args:
        shard: Lives and observed events.
        people: The persons' pnr.
        society: The same persons among others.

    Returns:
        Tables by name.
    """
    return {
        "cancer": _cancer(shard, people, society),
        "mfr": _mfr(shard, society),
        "ddv": _ddv(shard, people, society),
    }


def _in_order(shard: Shard, events: Events) -> tuple[Ints, Ints]:
    """Give the positions of the persons, and the rows, in the order of pnr and day."""
    position = np.empty(len(shard.order), dtype=np.int64)
    position[shard.order] = np.arange(len(shard.order))
    person = position[events.person]
    rows = np.lexsort((events.what, events.day, person))
    return person[rows], rows


def _cancer(shard: Shard, people: pa.Array, society: Society) -> pa.Table:
    found = society.tumours()
    person, rows = _in_order(shard, found)
    entries = society.parameters["tumours"].values()
    return pa.table(
        {
            "pnr": coded(person, people),
            "d_diagnosedato": dates(found.day[rows]),
            "c_icd10": coded(found.what[rows], [code for entry in entries for code in entry["icd10"]]),
            "c_morfo03": coded(found.also[rows], [code for entry in entries for code in entry["morphology"]]),
        }
    )


def _mfr(shard: Shard, society: Society) -> pa.Table:
    births, life = society.births(), shard.life
    position = np.empty(len(shard.order), dtype=np.int64)
    position[shard.order] = np.arange(len(shard.order))
    rows = np.argsort(position[births.child])
    child = births.child[rows]
    return pa.table(
        {
            "cpr_barn": persons_coded(life.person[child], seed=shard.seed),
            "cpr_moder": persons_coded(births.mother[rows], seed=shard.seed),
            "foedselsdato": dates(life.birth_day[child]),
            "koen_barn": pa.array(life.sex[child]),
            "vaegt_barn": pa.array(births.weight[rows].astype(np.int16)),
            "gestationsalder_dage": pa.array(births.gestation[rows].astype(np.int16)),
            "paritet": pa.array(births.parity[rows].astype(np.int8)),
        }
    )


def _ddv(shard: Shard, people: pa.Array, society: Society) -> pa.Table:
    given = society.vaccinations()
    person, rows = _in_order(shard, given)
    vaccines = society.parameters["vaccines"]
    return pa.table(
        {
            "pnr": coded(person, people),
            "vaccinationsdato": dates(given.day[rows]),
            "atc": coded(given.what[rows], [entry["atc"] for entry in vaccines.values()]),
            "vaccine": coded(given.what[rows], list(vaccines)),
        }
    )
