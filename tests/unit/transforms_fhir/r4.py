"""The rules of FHIR R4 that our resources must keep, written down on their own, and registers made by hand.

From the specification (https://hl7.org/fhir/R4): required elements, required bindings, the form of ids, dates, codes
and URIs, no empty objects, and the invariants con-5 and obs-6. The elements are those of R4 4.0.1 that we may write, so
that one which only another release knows is an error here.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandkasse.compute.local import InProcess
from sandkasse.core.runner import Runner
from sandkasse.transforms.fhir import FhirExport, FhirOptions, export_fhir

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
# A moment of the day needs seconds and an offset from universal time.
MOMENT = re.compile(DATE.pattern + r"(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(Z|[+-](0\d|1[0-4]):[0-5]\d))?")
CODE = re.compile(r"[^\s]+( [^\s]+)*")
URI = re.compile(r"(https?://\S+|urn:oid:[0-2](\.(0|[1-9]\d*))+|urn:[a-z][a-z0-9-]+:\S+)")

_COMMON = {"resourceType", "id", "meta", "extension"}
ELEMENTS = {
    "Patient": {"identifier", "gender", "birthDate", "deceasedDateTime", "address", "maritalStatus"},
    "Encounter": {"identifier", "status", "class", "type", "serviceType", "subject", "period", "partOf", "priority"},
    "Condition": {"verificationStatus", "clinicalStatus", "category", "code", "subject", "encounter", "recordedDate"},
    "Observation": {
        *("status", "category", "code", "subject", "encounter", "effectiveDateTime", "valueQuantity"),
        *("dataAbsentReason", "referenceRange"),
    },
    "MedicationStatement": {"status", "medicationCodeableConcept", "subject", "effectiveDateTime", "reasonCode"},
    "Procedure": {"status", "category", "code", "subject", "encounter", "performedDateTime"},
    "Immunization": {"status", "vaccineCode", "patient", "occurrenceDateTime", "occurrenceString", "statusReason"},
}
REQUIRED = {
    "Patient": (),
    "Encounter": ("status", "class"),
    "Condition": ("subject",),
    "Observation": ("status", "code"),
    "MedicationStatement": ("status", "medicationCodeableConcept", "subject"),
    "Procedure": ("status", "subject"),
    "Immunization": ("status", "vaccineCode", "patient"),
}
STATUS = {
    "Encounter": {
        *("planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error"),
        "unknown",
    },
    "Observation": {
        *("registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"),
    },
    "MedicationStatement": {
        *("active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"),
    },
    "Procedure": {
        *("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"),
    },
    "Immunization": {"completed", "entered-in-error", "not-done"},
}
_DATES = {"birthDate"}
_MOMENTS = {"deceasedDateTime", "recordedDate", "effectiveDateTime", "performedDateTime", "start", "end"}
_MOMENTS |= {"occurrenceDateTime"}


def faults_of(resource: Mapping[str, Any]) -> list[str]:
    """List what is wrong with one resource by itself."""
    kind = resource["resourceType"]
    faults = [f"element {name}" for name in resource if name not in ELEMENTS[kind] | _COMMON]
    faults += [f"no {name}" for name in REQUIRED[kind] if name not in resource]
    if not ID.fullmatch(resource["id"]):
        faults.append("id")
    if kind in STATUS and resource.get("status") not in STATUS[kind]:
        faults.append("status")
    if resource.get("gender", "male") not in {"male", "female", "other", "unknown"}:
        faults.append("gender")
    if kind == "Observation" and "valueQuantity" in resource and "dataAbsentReason" in resource:
        faults.append("obs-6")
    verified = codes_in(resource.get("verificationStatus", {}))
    if "entered-in-error" in verified and "clinicalStatus" in resource:
        faults.append("con-5")
    return faults + [fault for name, value in resource.items() for fault in _faults_in(name, value)]


def _faults_in(name: str, value: Any) -> Iterator[str]:
    if value in ("", None, [], {}):
        yield f"{name} is empty"
    if isinstance(value, dict):
        for inner, below in value.items():
            yield from _faults_in(inner, below)
    elif isinstance(value, list):
        for below in value:
            yield from _faults_in(name, below)
    elif isinstance(value, str):
        form = _form_of(name)
        if form and not form.fullmatch(value):
            yield f"{name} has another form"


def _form_of(name: str) -> re.Pattern[str] | None:
    if name in _DATES:
        return DATE
    if name in _MOMENTS:
        return MOMENT
    return {"code": CODE, "system": URI, "url": URI}.get(name)


def codes_in(concept: Mapping[str, Any]) -> list[str]:
    return [coding["code"] for coding in concept.get("coding", ())]


def references_in(value: Any) -> Iterator[str]:
    """List the references anywhere in a resource."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name == "reference":
                yield below
            else:
                yield from references_in(below)
    elif isinstance(value, list):
        for below in value:
            yield from references_in(below)


def faults_between(resources: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Count ids that come twice, and references that lead nowhere."""
    faults: Counter[str] = Counter()
    seen: set[str] = set()
    wanted: Counter[str] = Counter()
    for resource in resources:
        address = f"{resource['resourceType']}/{resource['id']}"
        if address in seen:
            faults["id twice"] += 1
        seen.add(address)
        wanted.update(references_in(resource))
    faults["reference to nothing"] += sum(count for address, count in wanted.items() if address not in seen)
    return +faults


@dataclass(frozen=True)
class Exported:
    """An export that was read again."""

    folder: Path
    result: FhirExport
    manifest: Mapping[str, Any]
    resources: Mapping[str, list[dict[str, Any]]] = field(repr=False)

    @property
    def all(self) -> list[dict[str, Any]]:
        return [resource for resources in self.resources.values() for resource in resources]

    def one(self, kind: str) -> dict[str, Any]:
        (resource,) = self.resources[kind]
        return resource


def export(
    registers: Path, out: Path, *, runner: Runner | None = None, simulated: bool = True, **options: Any
) -> Exported:
    """Export a folder of registers and read the files again."""
    out.mkdir()
    chosen = FhirOptions(simulated=simulated, **options)
    result = export_fhir(registers, out, options=chosen, runner=runner or InProcess(), now=NOW)
    manifest = json.loads((out / "manifest.json").read_bytes())
    resources = {
        entry["type"]: [json.loads(line) for line in (out / entry["url"]).read_bytes().splitlines()]
        for entry in manifest["output"]
    }
    return Exported(out, result, manifest, resources)


_TEXT, _DAY, _NUMBER = pa.string(), pa.date32(), pa.float64()
_LPR3_DIAGNOSES = (_TEXT, _TEXT, _TEXT, _TEXT)
_TYPES = {
    "bef": ("pnr koen foed_dato kom referencetid", (_TEXT, pa.int8(), _DAY, _TEXT, _DAY)),
    "dod": ("pnr doddato", (_TEXT, _DAY)),
    "lmdb": ("pnr eksd atc volume apk indo", (_TEXT, _DAY, _TEXT, _NUMBER, pa.int32(), _TEXT)),
    "lpr_adm": ("pnr recnum d_inddto c_spec c_pattype", (_TEXT, _TEXT, _DAY, _TEXT, _TEXT)),
    "lpr_diag": ("recnum c_diag c_diagtype", (_TEXT, _TEXT, _TEXT)),
    "lpr3a_kontakt": (
        "pnr dw_ek_kontakt kont_starttidspunkt kont_ans_hovedspec",
        (_TEXT, _TEXT, pa.timestamp("ms"), _TEXT),
    ),
    "lpr3a_diagnose": ("dw_ek_kontakt diag_kode diag_type senere_afkraeftet", _LPR3_DIAGNOSES),
    "lpr3f_kontakter": ("pnr dw_ek_kontakt dato_start hovedspeciale_ans", (_TEXT, _TEXT, _DAY, _TEXT)),
    "lpr3f_diagnoser": ("dw_ek_kontakt diagnosekode diagnosetype senere_afkraeftet", _LPR3_DIAGNOSES),
    "sssy": ("pnr speciale honuge", (_TEXT, _TEXT, _TEXT)),
    "lab_forsker": ("pnr samplingdate analysiscode value", (_TEXT, _DAY, _TEXT, _NUMBER)),
}
# What newer deliveries hold beside it.
_TYPES |= {
    "bef_civst": (_TYPES["bef"][0] + " civst", (*_TYPES["bef"][1], _TEXT)),
    "lpr_adm_ended": (_TYPES["lpr_adm"][0] + " d_uddto", (*_TYPES["lpr_adm"][1], _DAY)),
    "lpr_bes": ("recnum d_ambdto", (_TEXT, _DAY)),
    "t_psyk_adm": _TYPES["lpr_adm"],
    "t_psyk_diag": _TYPES["lpr_diag"],
    "lpr_sksopr": ("recnum c_opr c_oprart d_odto", (_TEXT, _TEXT, _TEXT, _DAY)),
    "lpr_opr": ("recnum c_opr d_odto", (_TEXT, _TEXT, _DAY)),
    "lpr3a_kontakt_ended": (
        _TYPES["lpr3a_kontakt"][0] + " kont_sluttidspunkt kont_type",
        (*_TYPES["lpr3a_kontakt"][1], pa.timestamp("ms"), _TEXT),
    ),
    "lpr3a_procregistrering": (
        "dw_ek_kontakt proc_kode proc_kode_type proc_starttidspunkt",
        (_TEXT, _TEXT, _TEXT, pa.timestamp("ms")),
    ),
    "lpr3f_procedurer_kirurgi": (
        "dw_ek_kontakt procedurekode proceduretype dato_start",
        (_TEXT, _TEXT, _TEXT, _DAY),
    ),
    "ddv": ("pnr vaccinationsdato atc vaccine", (_TEXT, _DAY, _TEXT, _TEXT)),
    "lab_forsker_unit": (_TYPES["lab_forsker"][0] + " unit", (*_TYPES["lab_forsker"][1], _TEXT)),
    "lab_forsker_limits": (
        _TYPES["lab_forsker"][0] + " referenceinterval_lowerlimit referenceinterval_upperlimit",
        (*_TYPES["lab_forsker"][1], _NUMBER, _NUMBER),
    ),
}
_FORMS = ("_civst", "_ended", "_unit", "_limits")
_SCHEMAS = {name: dict(zip(columns.split(), types, strict=True)) for name, (columns, types) in _TYPES.items()}


def write_registers(folder: Path, *, part: str | None = None, **tables: Iterable[tuple[Any, ...]]) -> Path:
    """Write rows as a dataset's tables: whole tables, or one part of each."""
    for form, rows in tables.items():
        columns = _SCHEMAS[form]
        name = next((form.removesuffix(end) for end in _FORMS if form.endswith(end)), form)
        listed = [dict(zip(columns, row, strict=True)) for row in rows]
        table = pa.Table.from_pylist(listed, schema=pa.schema(columns.items()))
        path = folder / "data" / (f"{name}/{part}.parquet" if part else f"{name}.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
    return folder


def one_person(folder: Path, **changes: Iterable[tuple[Any, ...]]) -> Path:
    """Write the registers of one woman, with the changes of a test."""
    day = date(2001, 2, 3)
    tables: dict[str, Iterable[tuple[Any, ...]]] = {
        "bef": [("000000000001", 2, date(1950, 1, 31), "751", date(2000, 1, 1))],
        "lmdb": [("000000000001", day, "C10AA01", 98.0, 2, "")],
        "lpr_adm": [("000000000001", "900", day, "08", "2")],
        "lpr_diag": [("900", "DE119", "A")],
        "lab_forsker": [("000000000001", day, "NPU27300", 48.0)],
    }
    return write_registers(folder, **(tables | changes))
