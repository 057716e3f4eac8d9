"""Move the rows of a store from SQLite to PostgreSQL, or back; its files stay where they are.

::

    rows      copies all tables in one transaction, and compares what was read with what is there then
    move      who may still use the store, and in which order a folder gets its new database

Nobody else may use the store meanwhile: SQLite's file is locked alone, and PostgreSQL is asked for other
connections. What the rows were moved from is kept and marked, so that no command uses it by mistake.
"""
