"""Run by Alembic: applies the steps over the connection that `upgrade` gives, inside its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True, transactional_ddl=True)
context.run_migrations()
