"""One observed event as one 63-bit word, so that the order of rows is a function of their content alone.

A person's words are sorted before anything is written: nothing of the order in which they were made is left.
Days are days since 1970-01-01, from 1977 on, and fit 16 bits.
"""

from sandkasse.cohort.kernels import helper

SERVICE, DISPENSING, RESULT, CONTACT, TRAP = range(5)
N_KINDS = 5

NO_DIAGNOSIS = 1023
MAIN, SECONDARY, REFERRAL, ADDITIONAL = range(4)
NOTHING = NO_DIAGNOSIS << 3
TRAP_DAY_SHIFT = 100_000


@helper
def pack_service(week: int, service: int, is_childs: int) -> int:
    """Pack a primary-care service: settlement week, number of the service, 1 if it was given to a child."""
    return (week << 17) | (service << 1) | is_childs


@helper
def pack_dispensing(day: int, product: int, packs: int, indication: int) -> int:
    """Pack a dispensing: day, number of the product, packs (below 64), number of the indication (below 16)."""
    return (day << 20) | (product << 10) | (packs << 4) | indication


@helper
def pack_result(day: int, analysis: int, ticks: int) -> int:
    """Pack a laboratory result: day, number of the analysis, value in units of its last reported decimal."""
    return (day << 32) | (analysis << 26) | ticks


@helper
def pack_diagnosis(code: int, kind: int, is_retracted: int) -> int:
    """Pack a diagnosis: number of the code, A, B, H or + as a number, 1 if it was retracted later."""
    return (code << 3) | (kind << 1) | is_retracted


@helper
def pack_contact(day: int, specialty: int, kind: int, first: int, second: int, third: int) -> int:
    """Pack a hospital contact with up to three diagnoses; `NOTHING` stands for an absent one."""
    return (day << 47) | (specialty << 41) | (kind << 39) | (first << 26) | (second << 13) | third


@helper
def pack_trap(trap: int, day: int) -> int:
    """Pack a trap: its number and its day, which may lie before 1970."""
    return (trap << 20) | (day + TRAP_DAY_SHIFT)
