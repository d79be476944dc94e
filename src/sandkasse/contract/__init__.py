"""What a dataset promises: contracts loaded, checked against data, and compared with one another."""

from sandkasse.contract.check import CheckReport, Finding, TableCheck, check_tables, raise_for_violations
from sandkasse.contract.load import contract_sha256, read_contract, write_contract
from sandkasse.contract.model import Code, Column, Contract, Key, Quality, Reference, Table

__all__ = [
    "CheckReport",
    "Code",
    "Column",
    "Contract",
    "Finding",
    "Key",
    "Quality",
    "Reference",
    "Table",
    "TableCheck",
    "check_tables",
    "contract_sha256",
    "raise_for_violations",
    "read_contract",
    "write_contract",
]
