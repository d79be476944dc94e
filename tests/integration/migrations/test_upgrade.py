import threading
from importlib import import_module
from importlib.util import find_spec

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from sandkasse.core.database import Base, open_engine
from sandkasse.migrations import upgrade

AREAS_WITH_TABLES = ("people", "training", "workspaces")


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path / "site.db")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module", autouse=True)
def _models():
    for area in AREAS_WITH_TABLES:
        if find_spec(f"sandkasse.{area}") and find_spec(f"sandkasse.{area}.tables"):
            import_module(f"sandkasse.{area}.tables")


def schema_triggers(engine):
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        return {name: " ".join(sql.split()) for name, sql in rows}


def test_migrations_and_models_agree(engine):
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_and_models_agree_on_triggers_and_checks(engine, tmp_path):
    upgrade(engine)
    from_models = open_engine(tmp_path / "models.db")
    Base.metadata.create_all(from_models)
    try:
        assert schema_triggers(engine) == schema_triggers(from_models) != {}
        for table in Base.metadata.tables:
            migrated, modelled = (inspect(e).get_check_constraints(table) for e in (engine, from_models))
            assert {c["name"] for c in migrated} == {c["name"] for c in modelled}, table
    finally:
        from_models.dispose()


def test_a_second_upgrade_changes_nothing(engine):
    upgrade(engine)
    before = inspect(engine).get_table_names()
    upgrade(engine)
    assert inspect(engine).get_table_names() == before


def test_a_step_that_fails_leaves_the_database_as_it_was(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE audit_log (stray INTEGER)"))
    with pytest.raises(OperationalError, match="already exists"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == ["audit_log"]


def test_two_upgrades_at_once_both_succeed(engine):
    failures = []
    barrier = threading.Barrier(2)

    def run():
        barrier.wait()
        try:
            upgrade(engine)
        except Exception as error:  # a thread's error would be lost
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert "users" in inspect(engine).get_table_names()
