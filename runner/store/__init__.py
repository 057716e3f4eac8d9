"""Everything that is stored about evaluations: rows in a database, files beside them, leases on both.

::

    store.sqlite          entries, submissions, evaluations, runs, attempts, terms, leases, leaderboards
    submissions/          archives, each under its hash
    EVALUATION/           checkpoints, outputs, logs, settings.json, summary.json, card.json, manifest.json
    locks/                one lock file per evaluation

Where to look::

    records       the fields of a run, an evaluation, an attempt: what the store takes and returns
    schema        their tables and columns
    migrations    how a store of an earlier version gets them
    open_store    which database is used; sqlite, database, schema and listing (which ``unlearn list`` reads
                  without opening a store) have what is special to SQLite
    store         the class `Store`, from runs, evaluations, attempts, terms, copies, entries and leaderboard
    entries       who handed in what, when, and what came of it
    leaderboard   what leaderboards computed of evaluations, and when they were verified
    lease, fencing, recovery, staged_files   one process at a time, and nothing lost when it is killed

A run is published once; writes of a process that has lost its lease are refused (fencing). Files are
staged next to their target and renamed once their row is committed, so a kill at any moment loses nothing
that was published. SQLAlchemy and Alembic are imported here and nowhere else.

The package must not know the engine, how a run is executed, or what a summary means: it stores values.
"""
