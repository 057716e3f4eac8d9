"""Leaderboards: who stands where, as far as the noise allows it to be known.

::

    stored ──> Candidate ──> board ──> Board ──> audience ──> Board ──> terminal · spreadsheet · page · JSON
    (store,                 (ranking,          (who sees what)
     files)                  names)

`board` puts candidates into tables and sections: a table has rows that were executed and scored under the
same conditions, and only complete, valid, finite scores get a rank. `ranking` makes the groups of ranks that
noise cannot tell apart. `audience` is the one place that decides who sees what; renderers show whatever the
board has, and decide nothing. `lines` gives all of them the same order.

All of this is pure. `stored` alone reads stores and writes files: it gathers candidates, computes what is not
stored yet, and replaces folders of pages whole.

What is wrong with the files of a single row, such as damaged outputs, costs that row its rank, with the
reason; it is no error of the command.
"""
