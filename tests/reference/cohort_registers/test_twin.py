"""The compiled kernel equals its slow, obvious twin word for word."""

import pytest
from register_twin.person import Person


@pytest.mark.parametrize(("without", "tier"), [((), "clean"), ("all", "clean"), ((), "messy")])
def test_the_kernel_equals_its_scalar_twin_on_varied_persons(bench, without, tier):
    off = tuple(bench.trap_names()) if without == "all" else without
    life, seed = bench.varied_lives(60, seed=3), 0xFEED_0000_0000_0007
    made = bench.make(life, seed=seed, without=off, tier=tier)
    n_words = 0
    for position, i in enumerate(made.shard.order):
        twin = Person(bench, life, int(i), seed, off)
        expected = twin.observe()
        if tier == "messy":
            expected = twin.spoiled(expected)
        elif "miscoded_others" not in off and twin.spells:
            twin.words = {**expected, "trap": list(expected["trap"])}
            twin.words["contact"] = twin.falsely_coded(expected["contact"])
            expected = {kind: sorted(words) for kind, words in twin.words.items()}
        for k, kind in enumerate(("service", "dispensing", "result", "contact", "trap")):
            first, end = made.seen.starts[position, k], made.seen.starts[position + 1, k]
            assert getattr(made.seen, kind)[first:end].tolist() == expected[kind], kind
            n_words += end - first
        first, end = made.seen.starts[position, 3], made.seen.starts[position + 1, 3]
        found = [getattr(made.seen, name)[first:end].tolist() for name in ("minute", "length", "operation", "manner")]
        assert list(zip(*found, strict=True)) == twin.details(expected["contact"])
    assert n_words > 60 * 100
