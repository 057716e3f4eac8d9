"""Has a child that crashes, and looks at its limits."""

import os
import resource


def unlearning(net, retain, forget, val):
    process = os.fork()
    if process == 0:
        os.abort()
    assert os.WIFSIGNALED(os.waitpid(process, 0)[1])
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0
