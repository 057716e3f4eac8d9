"""A competition on one machine: folders of teams to entries, entries to evaluations, evaluations to boards.

::

    FOLDER/TEAM/*.zip ── sync ──> entries ── worker ──> evaluations ── board ──> what each audience sees
                                     │  ^                    │
                                   queue (order, times)    final ──> chosen entries on other challenges

Decisions are those of `runner.competition`; rows are in `runner.store.competition`. A file that is refused is
an entry of its team, and stops nothing. What fails on our side holds its entry, and stops nothing either, as
long as this host can run anything.
"""
