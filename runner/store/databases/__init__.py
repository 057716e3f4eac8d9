"""Where the rows of a store are: in a SQLite file of its folder, or in a PostgreSQL database that it names.

::

    address       store.toml in the folder: the database that has the rows, and what both are identified by
    sqlite        what is special to SQLite
    postgresql    what is special to PostgreSQL

Either way a writing transaction is the only one: SQLite begins it with ``BEGIN IMMEDIATE``, and with
PostgreSQL it holds an advisory lock. So what a transaction has read does not change before it writes, and
queries need no other precaution. With PostgreSQL, those that publish runs under leases share the lock with
each other, and lock the rows of their leases (`runner.store.writes.runs`). A reading transaction sees one
state of the whole database.
"""
