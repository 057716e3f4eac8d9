"""Competitions in the store: teams, their entries, choices for finals, and what organizers did.

::

    schema      the tables
    records     what the store takes and returns
    entries     take an entry, move it from state to state
    finals      queue the entries of a final
    rejudging   entries judged again, applied or cancelled as a whole
    teams       teams, pauses, choices
    team_changes  teams that are merged or deleted
    uses        what of a store is used outside a competition
    audit       acts of organizers and teams, which nothing changes or deletes

An entry is taken in the transaction that decides on its quota, and moved in the one that checks the step.
A writing transaction is the only one, so no two of them see the same quota. Moments are read from
the host's clock inside that transaction; entries so have the order in which they were taken.
"""
