"""What a dataset promises: contracts loaded, checked against data, and compared with one another."""

from sandkasse.contract.check import CheckReport, Finding, TableCheck, check_tables, raise_for_violations
from sandkasse.contract.compare import Change, Comparison, compare_contracts
from sandkasse.contract.draft import draft_contract
from sandkasse.contract.load import contract_sha256, read_contract, write_contract
from sandkasse.contract.model import Code, Column, Contract, Key, Quality, Reference, Table

__all__ = [
    "Change",
    "CheckReport",
    "Code",
    "Column",
    "Comparison",
    "Contract",
    "Finding",
    "Key",
    "Quality",
    "Reference",
    "Table",
    "TableCheck",
    "check_tables",
    "compare_contracts",
    "contract_sha256",
    "draft_contract",
    "raise_for_violations",
    "read_contract",
    "write_contract",
]
