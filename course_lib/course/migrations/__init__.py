"""How a database of an older version becomes one of this version; read by Alembic, run by course_lib/course/migrate.py.

Each file in versions/ is one step, named by the version that it leads to. It holds what the tables were then, so it
imports nothing of the course and is never changed once that version has been released.

A new version: change tables.py, raise SCHEMA, add versions/v<SCHEMA>_<what>.py, and keep tables.py as it was released
as tests/course/released/tables_<version>.py; tests/course/test_migrations.py then covers the step.
"""
