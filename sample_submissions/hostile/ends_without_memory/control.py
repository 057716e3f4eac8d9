"""Ends as many threads while there is memory left."""

import threading


def unlearning(net, retain, forget, val):
    threading.stack_size(64 << 10)
    for _ in range(6):
        threads = [threading.Thread(target=b"x".hex) for _ in range(150)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
