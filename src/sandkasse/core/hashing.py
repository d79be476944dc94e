"""Content hashes: what a file or a value is, independent of where it lies."""

import hashlib
from pathlib import Path
from typing import Any

import orjson


def sha256_file(path: Path) -> str:
    """Hash a file's bytes, read in pieces; hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_value(value: Any) -> str:
    """Hash a JSON-like value independently of the order of its keys; hexadecimal."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
