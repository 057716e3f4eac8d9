"""Competitions: phases, teams' entries, quotas, and the order in which entries are evaluated.

::

    competition.toml ── load ──> Competition ── check ──> remarks and what a day costs
                                     │
    entries of a team, now ── quota ─┤── Allowance: accepted or not, what remains, when it is full again
    waiting entries ── queue_order ──┤── the order, and when each is likely to start
    a file of a team, now ── intake ─┤── the state in which its entry begins, or why it becomes none
    results on challenges ── final ──┘── who takes part, and where each stands

Everything here but `load` and `check` is pure: entries and the present moment are arguments, and results are
values. Counting is always done from the outcomes of entries; nothing keeps a counter that could be wrong.

Moments are aware datetimes in UTC. Local times exist in ``competition.toml`` and in what people are shown.
"""
