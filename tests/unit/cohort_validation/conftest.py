"""A handful of hand-made registers, in which every count can be done on one's fingers."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandkasse.cohort.validation.registers import open_registers

TABLES = {
    "bef": {
        "pnr": ["a", "b", "c", "a", "b", "c"],
        "koen": pa.array([1, 2, 2, 1, 2, 2], pa.int8()),
        "foed_dato": [date(1950, 1, 1), date(1960, 1, 1), date(1990, 1, 1)] * 2,
        "kom": ["101"] * 6,
        "referencetid": [date(2012, 1, 1)] * 3 + [date(2013, 1, 1)] * 3,
    },
    "dod": {"pnr": ["a"], "doddato": [date(2013, 6, 30)]},
    "lmdb": {
        "pnr": ["b", "b", "b", "c", "a"],
        "eksd": [date(2012, 1, 1), date(2012, 1, 1), date(2012, 3, 1), date(2012, 5, 5), date(2013, 6, 1)],
        "atc": ["A10BA02", "C10AA01", "A10BA02", "A10BA02", "N02AA01"],
        "volume": [1.0] * 5,
        "apk": pa.array([1] * 5, pa.int32()),
        "indo": [""] * 5,
    },
    "lpr_adm": {
        "pnr": ["a", "c"],
        "recnum": ["1", "2"],
        "d_inddto": [date(2012, 2, 2), date(2012, 2, 3)],
        "c_spec": ["01", "01"],
        "c_pattype": ["0", "2"],
    },
    "lpr_diag": {"recnum": ["1", "2", "2"], "c_diag": ["DI219", "DE669", "DI509"], "c_diagtype": ["A", "A", "B"]},
    "t_psyk_adm": {
        "pnr": ["b"],
        "recnum": ["1"],
        "d_inddto": [date(2015, 9, 1)],
        "c_spec": ["50"],
        "c_pattype": ["2"],
    },
    "t_psyk_diag": {"recnum": ["1"], "c_diag": ["DF209"], "c_diagtype": ["A"]},
    "lpr3a_kontakt": {
        "pnr": ["b", "c"],
        "dw_ek_kontakt": ["3", "4"],
        "kont_starttidspunkt": pa.array([date(2019, 5, 1), date(2019, 6, 1)]).cast(pa.timestamp("ms")),
        "kont_ans_hovedspec": ["kardiologi"] * 2,
    },
    "lpr3a_diagnose": {
        "dw_ek_kontakt": ["3", "4"],
        "diag_kode": ["DI219", "DI219"],
        "diag_type": ["A", "A"],
        "senere_afkraeftet": ["Ja", "Nej"],
    },
    "sysi": {"pnr": ["c"], "barnmak": pa.array([0], pa.int8()), "speciale": ["54001"], "honuge": ["9901"]},
    "sssy": {
        "pnr": ["a", "a"],
        "barnmak": pa.array([0, 1], pa.int8()),
        "speciale": ["80101", "80101"],
        "honuge": ["1205", "1206"],
    },
    "mfr": {
        "cpr_barn": ["d", "e", "f"],
        "cpr_moder": ["c", "c", "x"],
        "foedselsdato": [date(2012, 3, 3), date(2012, 3, 3), date(2012, 4, 4)],
    },
    "lab_forsker": {
        "pnr": ["a", "a", "b"],
        "samplingdate": [date(2012, 2, 2), date(2012, 2, 2), date(2012, 7, 7)],
        "analysiscode": ["NPU27300", "NPU03230", "NPU27300"],
        "value": [40.0, 4.0, 50.0],
    },
}


@pytest.fixture
def registers(tmp_path):
    (tmp_path / "data").mkdir()
    for name, columns in TABLES.items():
        pq.write_table(pa.table(columns), tmp_path / "data" / f"{name}.parquet")
    return open_registers(tmp_path)
