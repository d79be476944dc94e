"""What people mistype on the command line: one clear line, the next step, an exit code, nothing left behind."""

import sys

import pytest

from sandkasse import cli
from sandkasse.contract import Column, Contract, Table, write_contract


@pytest.fixture
def say(tmp_path, monkeypatch, capfd):
    """Run a command in a folder of its own, and give its exit code and what it said on standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDKASSE_HOME", str(tmp_path / "home"))

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["sandkasse", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capfd.readouterr()

    return run


@pytest.mark.parametrize(
    ("words", "code", "says", "next_step"),
    [
        ("dataset show nafdl", 21, "There is no dataset named 'nafdl'.", "did you mean nafld?"),
        ("dataset export nafld --format xlsx --out x", 10, "no export format 'xlsx'", "schema.org, xpt, stata"),
        ("dataset export nafld --format stata --out file/x", 10, "cannot be made", "a folder that you may write to"),
        ("dataset export nafld --out no/folder/x", 10, "cannot be written", "a folder that you may write to"),
        ("transform fhir no/folder --out x", 21, "The folder no/folder does not exist.", "sandkasse dataset list"),
        ("transform omop empty --out x", 21, "The folder empty has no contract.yaml", "sandkasse dataset list"),
        ("transform omop simulated --out x", 10, "in a folder of their own", "name that one: simulated/registers"),
        ("cohort simulate --persons -5 --out x", 10, "between 1 and", "--persons"),
        (
            "cohort simulate --persons 5 --out x --engine spark",
            10,
            "no engine named 'spark'",
            "local, dask, slurm, pbs",
        ),
        ("cohort simulate --persons 5 --out x --scheduler tcp://a:1", 10, "is for Dask", "--engine dask"),
        ("cohort simulate --persons 5 --out file", 10, "exists already", "does not exist yet"),
        ("module run who-has-diabtes", 24, "named 'who-has-diabtes'", "did you mean who-has-diabetes?"),
        ("up --home file/store", 40, "cannot be written", "up --home FOLDER"),
    ],
)
def test_a_mistake_is_told_in_two_lines_and_leaves_nothing(say, tmp_path, words, code, says, next_step):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "simulated" / "registers").mkdir(parents=True)
    table = Table(name="t", columns=(Column(name="a", type="string"),))
    write_contract(
        Contract(name="c", version="1.0.0", tables=(table,)), tmp_path / "simulated" / "registers" / "contract.yaml"
    )
    before = sorted(path.name for path in tmp_path.iterdir())
    found, (_, told) = say(*words.split())
    assert found == code
    message, _, rest = told.strip().partition("\n")
    assert says in message
    assert rest.startswith("next: ")
    assert next_step in rest
    assert "\n" not in rest
    left = sorted(path.name for path in tmp_path.iterdir() if path.name != "home")
    assert left == before


def test_an_address_that_is_none_is_refused_before_a_client_is_made(monkeypatch):
    from sandkasse.compute import dask_client
    from sandkasse.core.errors import InvalidInputError

    monkeypatch.setattr(dask_client, "_connect", lambda *_, **__: pytest.fail("a client was made"))
    for address in ("nonsense", "tcp://", "tcp://node", "http://node/x", "node:port", ""):
        with pytest.raises(InvalidInputError, match="no address"), dask_client.connect(address):
            pass


@pytest.mark.parametrize("address", ["tcp://node1:8786", "tls://10.0.0.1:8786", "node:8786", "tcp://[::1]:8786"])
def test_an_address_is_tried(monkeypatch, address):
    from sandkasse.compute import dask_client

    tried = []

    class Client:
        def __init__(self, where, **_):
            tried.append(where)

        def close(self, timeout):
            pass

    monkeypatch.setattr(dask_client, "_connect", Client)
    with dask_client.connect(address):
        pass
    assert tried == [address]


def test_the_version_is_said(say):
    import sandkasse

    code, (told, _) = say("--version")
    assert (code, told) == (0, f"sandkasse {sandkasse.__version__}\n")


def test_names_that_are_typed_again_are_not_broken(say, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, (told, _) = say("dataset", "list")
    assert "dk-registers-nation" in told
    assert "diabetes-register-sample-all" in told
