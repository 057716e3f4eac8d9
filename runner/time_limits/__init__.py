"""How long runs may take on this machine: one run, and all runs of an evaluation.

A challenge states the limit of a run in seconds or as a fraction of retraining. A fraction
needs a measurement on the machine that executes the runs::

    policy         ── the seconds of a run, from `runner.challenge.limits` and the retraining time
    measurements   ── what was timed, cached by all that it depends on
    retraining     ── time it in a trainer container
    processor_time ── its processor time, and that of a run that does nothing
    second_timing  ── time it again, after runs that look too slow
    terms          ── limits made definite when an evaluation starts, and stored with it
    budget         ── whether another run may be started

Nothing here stops a run: the worker client and the supervisor do that.
"""
