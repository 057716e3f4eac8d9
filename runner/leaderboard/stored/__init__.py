"""Leaderboards at the rim: rows from a store, what is computed once and stored, folders of pages.

::

    rows          the candidates of a challenge: evaluations, entries that were refused
    conditions    under which an evaluation was executed and scored, from its manifest
    halves        scores on random halves, from outputs; by far the most expensive part
    site          a folder of pages, replaced whole

What `conditions` and `halves` compute is stored with the hash of the manifest, so that it is computed once.
"""
