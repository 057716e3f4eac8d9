"""Makes ordinary calls, some of which the C library tries in a newer form first."""

import os


def unlearning(net, retain, forget, val):
    os.closerange(900, 910)
    assert os.stat(".").st_mode
    assert os.sched_getaffinity(0)
