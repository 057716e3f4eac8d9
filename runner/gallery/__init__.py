"""The attack gallery: runs hostile submissions on this host and judges whether they were contained.

Used by ``unlearn gallery``, by ``unlearn doctor`` for a quick selection, and by the container tests::

    sample_submissions/hostile/*    attacks.py     reads each attack and its expected ending
                 |                  batches.py     packs attacks with equal limits into one archive
                 v                  run.py         runs them in worker containers, two at a time
        control, attack, probe      refusal.py     offers hostile files to `unlearn run`
                 |                  host_state.py  looks for leftovers on the host
                 v                  judge.py       decides, as a pure function
        contained, open, escaped    report.py      shows the results as a table and as JSON

Every attack has a control, which does the permitted form of the same action and must succeed: a wall that
refuses everything proves nothing. A probe, an honest run, follows each attack and must succeed, too.

The gallery must not loosen anything for an attack: it uses the same containers, limits and code as an
evaluation. It executes no submission on the host; a ``make.py``, which writes a hostile file there, is the
project's own code.
"""
