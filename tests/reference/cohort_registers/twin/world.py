"""What all parts of the twin know: the parameter files, the calendar, days as numbers."""

from datetime import date, timedelta
from functools import cache

from sandkasse.cohort.observation.vocabulary import all_products, make_vocabulary, read_parameters

NEVER = 2**31 - 1
EPOCH = date(1970, 1, 1)
P = read_parameters()
WORDS = make_vocabulary(P)
PRODUCTS = all_products(P)
BANDS = (0, 5, 15, 25, 45, 65, 80)


def number(when):
    return (when - EPOCH).days


FIRST, END = number(date(1977, 1, 1)), number(date(2025, 1, 1))


@cache
def calendar(year, planned):
    """Give the 2048 quantiles of a year's days."""
    days = [date(year, 1, 1) + timedelta(k) for k in range(number(date(year + 1, 1, 1)) - number(date(year, 1, 1)))]

    def weight(d):
        if not planned:
            return 1.0
        if d.weekday() >= 5 or (d.month, d.day) in {(1, 1), (12, 24), (12, 25), (12, 26)}:
            return 0.0
        if d.month == 7:
            return P["planning"]["july"]
        return P["planning"]["christmas"] if d.month == 12 and d.day >= 23 else 1.0

    total, shares = 0.0, []
    for d in days:
        total += weight(d)
        shares.append(total)
    quantiles, at = [], 0
    for k in range(2048):
        while shares[at] / total < (k + 0.5) / 2048:
            at += 1
        quantiles.append(number(days[at]))
    return quantiles
