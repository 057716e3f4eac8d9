"""Results of an evaluation: summary, score card and manifest, and their verification.

::

    scoring        outputs on disk -> what the scorer takes -> ScoreCard
    summary        Summary: the object that ``--json`` prints and the store records
    summarize      verdicts, score card, warnings -> Summary
    controls       the runs on control problems, from the store
    population     the models of one submission and its references, for cards and comparisons
    reruns         which runs are executed again, and what differs
    card_file      card.json: the whole score card, written once and read by every command that shows it
    manifest       manifest.json: every hash that a score rests on
    verification   manifest against store, files against manifest, score against files
    control_verification   the same of the runs on control problems

Nothing here starts a container: the package reads the store and the files of an evaluation, and computes.
"""
