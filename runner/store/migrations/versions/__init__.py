"""One script for each version of the tables, executed by Alembic in the order of their ``down_revision``."""
