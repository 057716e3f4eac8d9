"""Uses a database in a file, which locks parts of it."""

import sqlite3


def unlearning(net, retain, forget, val):
    with sqlite3.connect("rows.sqlite") as database:
        database.execute("CREATE TABLE rows (number)")
        database.executemany("INSERT INTO rows VALUES (?)", [(number,) for number in range(100)])
    database = sqlite3.connect("rows.sqlite")
    assert database.execute("SELECT count(*) FROM rows").fetchone() == (100,)
