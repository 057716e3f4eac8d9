"""Judging entries again: which may be, how stored outputs are scored again, and the review of both results.

::

    review      which entries may be judged again; old and new results side by side
    rescoring   evaluates entries whose stored outputs are scored again, without containers
"""
