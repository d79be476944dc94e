"""Every code that a simulated register can hold has a title that people can read."""

from sandkasse.cohort.model import load_model
from sandkasse.cohort.observation.compile_care import compile_care
from sandkasse.cohort.observation.vocabulary import read_parameters
from sandkasse.contract.codes import code_title

DIAGNOSES = "ICD-8 until 1993, SKS (ICD-10 with a D in front) from 1994"


def test_every_code_of_the_vocabulary_has_a_title():
    model = load_model()
    words = compile_care(read_parameters(), conditions=model.conditions, treatments=model.treatments).words
    systems = {
        "ATC": [code for code, _ in words.products],
        "NPU": [code for code, _, _ in words.analyses],
        "SKS specialty codes": [code for code, _ in words.specialties],
        "Specialties and services of the health insurance": words.services,
        DIAGNOSES: words.diagnoses,
    }
    bare = [(system, code) for system, codes in systems.items() for code in codes if not code_title(system, code)]
    assert bare == []
