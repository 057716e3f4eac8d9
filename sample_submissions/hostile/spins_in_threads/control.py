"""Does a little of the same in eight threads and waits for them."""

import hashlib
import threading


def unlearning(net, retain, forget, val):
    work = ("sha256", b"", b"", 10_000)
    threads = [threading.Thread(target=hashlib.pbkdf2_hmac, args=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
