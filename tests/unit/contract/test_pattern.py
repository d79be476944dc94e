import pytest

from sandkasse.contract.pattern import check_pattern, portable_pattern


@pytest.mark.parametrize(
    ("pattern", "portable"),
    [
        (r"^\d{12}$", "^[0-9]{12}$"),
        (r"[\d.]", "[0-9.]"),
        (r"\w\s", r"[0-9A-Za-z_][ \t\n\r\f\v]"),
        (r"\D", "[^0-9]"),
        ("a.b", r"a[^\n]b"),
        (r"a\.b[.]", r"a\.b[.]"),
        (r"(?:A|B)+?", "(?:A|B)+?"),
        (r"\[x\]", r"\[x\]"),
        ("æ|ø", "æ|ø"),
    ],
)
def test_rewrites_what_engines_read_differently(pattern: str, portable: str) -> None:
    assert portable_pattern(pattern) == portable
    assert check_pattern(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    ["(", "[", "a{2,1}", "*", r"\b", r"\1", r"(a)\1", r"\A", r"\pL", "\\", r"[\D]", "(?i)a", "(?P<n>a)", "(?=a)",
     "(?<!a)", "a++", "a*+", "[[:alpha:]]", "a{1001}", r"\x41", r"\é"],
)  # fmt: skip
def test_refuses_what_some_engine_lacks(pattern: str) -> None:
    assert check_pattern(pattern)
