"""One evaluation, from its terms to its summary.

::

    evaluate        lease, terms, pending runs, score, summary + card + manifest
    pending_runs    the runs that are still to be executed: attempts, retries, time budget, when to stop
    controls        runs on control problems: parts of the evaluation, in batches of random order
    slow_runs       retraining timed again before runs are called too slow
    publisher       files first, rows second, renames last, so that a kill loses nothing that was published
    batch           several entries in one command, and the outcome of each
    entries         what was typed, recorded before anything is evaluated

The package decides and publishes; it does not know containers, which `runner.execution` starts, and it prints
nothing.
"""
