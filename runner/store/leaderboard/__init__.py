"""What leaderboards and `unlearn verify` store of evaluations that have ended.

::

    records     conditions, scores on random halves, verifications
    queries     the part of the store that records and reads them

All of it is derived from files of the evaluation and named with the hash of its manifest: what belongs to an
earlier manifest is not returned, and is computed again.
"""
