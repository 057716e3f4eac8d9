"""Results of finals: their noise, what they rest on, and whether everybody may see them.

::

    results       standings with noise and provenance, for organizers and for everybody
    publication   whether results are published, which is an act in the audit
"""
