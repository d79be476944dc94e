"""Right and wrong approaches to the exercises, tried by `sandkasse module test`."""

import ibis

DIABETES = ["DE10", "DE11", "DE12", "DE13", "DE14"]


def _diagnoses(data):
    rows = data.lpr_adm.join(data.lpr_diag, "recnum")
    return rows.filter(rows.c_diag.substr(0, 4).isin(DIABETES)).select("pnr", date="d_inddto")


def _purchases(data):
    return data.lmdb.filter(data.lmdb.atc.startswith("A10")).select("pnr", date="eksd")


def _high_tests(data):
    lab = data.lab_forsker
    is_high = ((lab.analysiscode == "NPU27300") & (lab.value >= 48)) | (
        (lab.analysiscode == "NPU03835") & (lab.value >= 6.5)
    )
    return lab.filter(is_high).select("pnr", date="samplingdate")


def _at_least_two(traces):
    return traces.group_by("pnr").agg(n=traces.date.nunique()).filter(ibis._.n >= 2).select("pnr")


def two_traces(data):
    return _at_least_two(ibis.union(_diagnoses(data), _purchases(data), _high_tests(data)))


def drugs_or_tests(data):
    return ibis.union(_at_least_two(_purchases(data)), _at_least_two(_high_tests(data)), distinct=True)


def diagnoses_alone(data):
    return _diagnoses(data).select("pnr").distinct()
