"""The site's database, brought from any earlier version to this one (Alembic)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

__all__ = ["upgrade"]


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest version; a new one gets all its tables, a current one is left as it is.

    All steps are one transaction that takes the write lock first: a step that fails leaves the database as it was,
    and of two processes that start together one waits for the other.

    Args:
        engine: The site's database.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Python's driver opens no transaction for CREATE TABLE by itself.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
