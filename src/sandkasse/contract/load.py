"""Contracts as files: Open Data Contract Standard v3 in YAML, and their content hash."""

from collections import Counter
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import pydantic
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from sandkasse.contract.from_odcs import contract_from_odcs
from sandkasse.contract.model import Contract
from sandkasse.contract.terms import invalid
from sandkasse.contract.to_odcs import contract_to_odcs
from sandkasse.core.errors import ContractInvalidError
from sandkasse.core.hashing import sha256_value

MAX_BYTES = 10_000_000
MAX_NODES = 1_000_000
_OTHER_LINE_ENDS = "\x85\u2028\u2029"  # PyYAML writes them as they are and reads them as line ends, so they are escaped


def read_contract(path: Path) -> Contract:
    """Read a contract from its ODCS v3 file.

    Args:
        path: A YAML (or JSON) file.

    Returns:
        The contract. Sections that promise nothing about the data (team, servers, price) are not kept.

    Raises:
        ContractInvalidError: If the file cannot be read, is not ODCS v3, contradicts itself, uses an unknown custom
            property, or promises what cannot be checked on every engine.
    """
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size <= MAX_BYTES else ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ContractInvalidError(
            f"The contract {path} cannot be read: {reason}.", next_step="give the path of an ODCS v3 YAML file"
        ) from None
    if size > MAX_BYTES:
        raise ContractInvalidError(
            f"The contract {path} is {size} bytes long, more than the {MAX_BYTES} that are read.",
            next_step="split the contract, or give long code lists as a pattern",
        )
    try:
        return parse_contract(text)
    except ContractInvalidError as error:
        raise ContractInvalidError(f"{path}: {error.message}", next_step=error.next_step) from None


def parse_contract(text: str) -> Contract:
    """Read a contract from ODCS v3 text; see `read_contract`."""
    document = _parse_yaml(text)
    if not isinstance(document, dict):
        raise invalid("the top", "a contract is a mapping of keys to values")
    _check_known_keys(document, OpenDataContractStandard, "")
    try:
        odcs = OpenDataContractStandard.model_validate(document)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise invalid(where, _lower(first["msg"])) from None
    return contract_from_odcs(odcs)


def write_contract(contract: Contract, path: Path) -> None:
    """Write a contract as ODCS v3 YAML in its normal form.

    Args:
        contract: What to write.
        path: The file; its folder exists.
    """
    path.write_text(format_contract(contract), encoding="utf-8")


def format_contract(contract: Contract) -> str:
    """Give a contract's normal ODCS v3 YAML text."""
    value = contract_to_odcs(contract)
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
    if any(char in text for char in _OTHER_LINE_ENDS):
        return yaml.safe_dump(value, sort_keys=False, allow_unicode=False, width=110)
    return text


def contract_sha256(contract: Contract) -> str:
    """Hash what a contract says, independently of the order of keys, comments, defaults and layout; hexadecimal."""
    return sha256_value(contract_to_odcs(contract))


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader that refuses what it would silently drop: the first of two equal keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted(key for key, times in Counter(keys).items() if times > 1)
        if twice:
            raise invalid(f"line {node.start_mark.line + 1}", f"the key {twice[0]} is stated twice")
        return super().construct_mapping(node, deep=deep)


def _parse_yaml(text: str) -> Any:
    try:
        loader = _StrictLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if _nodes(node, {}) > MAX_NODES:
                raise invalid("the top", "its aliases unfold to more than a million values")
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}" if mark else "the top"
        raise invalid(where, f"it is not YAML, {_lower(error.problem or 'it cannot be parsed')}") from None
    except yaml.YAMLError:
        raise invalid("the top", "it is not YAML") from None
    except RecursionError:
        raise invalid("the top", "it is nested too deeply, or within itself") from None
    except ValueError:
        raise invalid(
            "the top", "a date or number in it does not exist", "put dates in quotes, as YYYY-MM-DD"
        ) from None


def _nodes(node: yaml.Node, seen: dict[int, int]) -> int:
    """Count the values that a document unfolds to, without unfolding it."""
    if id(node) not in seen:
        seen[id(node)] = MAX_NODES + 1  # a node within itself never ends
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        seen[id(node)] = 1 + sum(_nodes(child, seen) for child in children)
    return seen[id(node)]


def _check_known_keys(value: Any, model: type[pydantic.BaseModel], where: str) -> None:
    """Refuse keys that the standard does not know: a misspelt promise would otherwise be no promise."""
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    for key, inner in value.items():
        if key not in fields:
            raise invalid(
                where or "the top", f"the key {str(key)!r} is not one of the standard", _near(str(key), fields)
            )
        models = _models(fields[key])
        for position, item in enumerate(inner if isinstance(inner, list) else [inner]):
            if isinstance(item, dict) and models:
                label = item.get("name") if isinstance(item.get("name"), str) else str(position)
                place = f"{where}.{key}.{label}" if isinstance(inner, list) else f"{where}.{key}"
                _check_known_keys(item, models[-1 if isinstance(inner, list) else 0], place.removeprefix("."))


def _models(annotation: Any) -> list[type[pydantic.BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _near(key: str, known: Any) -> str:
    near = get_close_matches(key, list(known), n=1)
    return f"did you mean {near[0]}?" if near else "say it under customProperties, or leave it out"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
