"""One observed event as one 63-bit word, so that the order of rows is a function of their content alone.

A person's words are sorted before anything is written. Nothing about the order in which the simulation made them is left.
Days are days since 1970-01-01, from 1977 on, and fit 16 bits.
"""

from sandkasse.cohort.kernels import helper

SERVICE, DISPENSING, RESULT, CONTACT, TRAP = range(5)
N_KINDS = 5

CODE_BITS = 10
DIAGNOSIS_BITS = 13
NO_DIAGNOSIS = 1023
TRAP_DAY_SHIFT = 100_000
MAIN, SECONDARY, REFERRAL, ADDITIONAL = range(4)


@helper
def pack_service(week, service, is_childs):  # type: ignore[no-untyped-def]
    """Pack a primary-care service: settlement week since 1969-12-29, number of the service, parent's number or own."""
    return (week << 17) | (service << 1) | is_childs


@helper
def pack_dispensing(day, product, packs, indication):  # type: ignore[no-untyped-def]
    """Pack a dispensing: day, number of the product, number of packs (below 64), number of the indication."""
    return (day << 20) | (product << 10) | (packs << 4) | indication


@helper
def pack_result(day, analysis, ticks):  # type: ignore[no-untyped-def]
    """Pack a laboratory result: day, number of the analysis, value in units of its last reported decimal."""
    return (day << 32) | (analysis << 26) | ticks


@helper
def pack_diagnosis(code, kind, is_retracted):  # type: ignore[no-untyped-def]
    """Pack a diagnosis: number of the code, A, B, H or +, retracted later or not."""
    return (code << 3) | (kind << 1) | is_retracted


@helper
def pack_contact(day, specialty, patient_type, first, second, third):  # type: ignore[no-untyped-def]
    """Pack a hospital contact with up to three diagnoses; absent ones have the code NO_DIAGNOSIS."""
    return (day << 47) | (specialty << 41) | (patient_type << 39) | (first << 26) | (second << 13) | third


@helper
def pack_trap(trap, day):  # type: ignore[no-untyped-def]
    """Pack a trap: its number and its day, which may lie before 1970."""
    return (trap << 20) | (day + TRAP_DAY_SHIFT)
