"""Which dataset an exercise is graded against, and the key that it is graded with."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from sandkasse.catalogue.store import Store
from sandkasse.core.errors import AmbiguousDatasetError, DatasetNotFoundError
from sandkasse.training.examiner import find_ground, prepare_against
from sandkasse.training.keys import read_grading_key
from sandkasse.training.library import Library


def ground(settings, contract="dk-registers", **bindings):
    store = Store(settings.datasets, settings.content / "datasets")
    return find_ground(contract, store, settings.truth, bindings=bindings)


def copy_dataset(settings, name, *, is_default):
    old = settings.datasets / "dk-registers-class" / "1.0.0"
    new = settings.datasets / name / "1.0.0"
    shutil.copytree(old, new)
    card = yaml.safe_load((new / "card.yaml").read_text()) | {"id": name, "default_for": is_default}
    (new / "card.yaml").chmod(0o600)  # what is published is read-only
    (new / "card.yaml").write_text(yaml.safe_dump(card))
    return new


def test_the_default_dataset_with_its_truth(site_folder):
    found = ground(site_folder)
    assert found.card.reference == "dk-registers-class@1.0.0"
    assert found.truth == site_folder.truth / "dk-registers-class" / "1.0.0"


def test_the_default_goes_before_others_and_the_bound_before_all(site_folder):
    other = copy_dataset(site_folder, "other", is_default=False)
    assert ground(site_folder).card.id == "dk-registers-class"
    bound = ground(site_folder, **{"dk-registers": other})
    assert (bound.card.id, bound.truth) == ("other", None)


def test_two_defaults_are_ambiguous(site_folder):
    copy_dataset(site_folder, "other", is_default=True)
    with pytest.raises(AmbiguousDatasetError, match="dk-registers-class, other"):
        ground(site_folder)


def test_an_unknown_contract_names_the_nearest(site_folder):
    with pytest.raises(DatasetNotFoundError) as caught:
        ground(site_folder, contract="dk-register")
    assert "dk-registers" in caught.value.next_step


def test_an_exercise_is_prepared_once_and_anew_when_it_changes(site_folder):
    module = Library(site_folder.content / "modules").take("small").module
    exercise, key = module.exercise("who"), read_grading_key(site_folder.secrets)
    first = prepare_against("small", exercise, ground(site_folder), key=key)
    assert prepare_against("small", exercise, ground(site_folder), key=key) is first
    stricter = exercise.model_copy(update={"parameters": exercise.parameters | {"pass_at": 0.99}})
    assert prepare_against("small", stricter, ground(site_folder), key=key).parameters.pass_at == 0.99
    assert prepare_against("small", exercise, ground(site_folder), key=b"x" * 32) is not first


def test_a_class_that_begins_at_once_prepares_once(site_folder):
    exercise = Library(site_folder.content / "modules").take("small").module.exercise("who")
    key, found = b"c" * 32, ground(site_folder)
    with ThreadPoolExecutor(8) as pool:
        prepared = list(pool.map(lambda _: prepare_against("small", exercise, found, key=key), range(16)))
    assert len({id(one) for one in prepared}) == 1


@pytest.mark.attack
def test_everyone_who_makes_the_key_at_once_gets_the_same(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: read_grading_key(tmp_path / "secrets"), range(40)))
    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["grading.key"]
