"""Works on two threads, and pins itself and its children as some libraries do: nothing of it fails."""

import os
import threading


def unlearning(net, retain, forget, val):
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    child = os.fork()
    if child == 0:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("a child was refused")
    os.sched_setaffinity(0, cores)
    threads = [threading.Thread(target=sum, args=(range(1_000_000),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
