"""What every kind of resource is made from: rows of a register, and the template that they fill."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from sandkasse.transforms.fhir.assemble import text
from sandkasse.transforms.fhir.codes import coding, read_codes
from sandkasse.transforms.fhir.parts import Part


@dataclass(frozen=True)
class Rows:
    """Rows of a register, one resource each.

    Attributes:
        table: The rows, with all that a template needs.
        left_out: Rows of which no valid resource can be made.
    """

    table: pa.Table
    left_out: int = 0


@dataclass(frozen=True)
class Source:
    """One register table that becomes resources.

    Attributes:
        resource: The type of the resources.
        table: The register's table.
        rows: Reads a part's rows.
        write: Makes one text of each row, given the beginning that all resources share (`meta`).
        why_left_out: In words, why rows may be left out.
    """

    resource: str
    table: str
    rows: Callable[[Part], Rows]
    write: Callable[[pa.Table, str], pa.Array]
    why_left_out: str = ""


def meta(*, simulated: bool) -> str:
    """Give what all resources begin with: simulated persons are marked as test data, so that no system treats them."""
    if not simulated:
        return ""
    return f'"meta":{{"tag":[{coding("act_reason", "HTEST", "test health data")}]}},'


def identifier(system: str) -> str:
    """Give an Identifier's beginning as JSON; the value and `"}` follow."""
    return f'{{"system":{text(read_codes().systems[system])},"value":"'
