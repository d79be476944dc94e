"""The fixed names of a contract file, and the error that names a place in it."""

from sandkasse.core.errors import ContractInvalidError

API_VERSION = "v3.2.0"
READ_VERSIONS = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")

PROVENANCE_PROPERTIES: dict[str, type] = {"holder": str, "verified": bool, "source": str, "trap": str}
TABLE_PROPERTIES: dict[str, type] = {
    **PROVENANCE_PROPERTIES,
    "alternativeGroup": str,
    "alternative": str,
    "optional": bool,
    "period": str,
}
COLUMN_PROPERTIES: dict[str, type] = {**PROVENANCE_PROPERTIES, "unit": str, "codeSystem": str, "describedBy": str}

BOUND_OPTIONS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
}
_DOCS = "docs/reference/contract-properties.md shows what a contract may say"


def invalid(where: str, problem: str, next_step: str = "") -> ContractInvalidError:
    """Build the one-line error that names the place in the contract and what to do there."""
    return ContractInvalidError(f"The contract is not valid at {where}: {problem}.", next_step=next_step or _DOCS)
