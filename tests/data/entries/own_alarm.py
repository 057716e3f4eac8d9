"""Limits its own time by an alarm, as entries did that trained until the last moment."""

import signal
import time


class TimeIsOver(Exception):
    pass


def stop(_signal, _frame):
    raise TimeIsOver


def unlearning(net, retain, forget, val):
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        time.sleep(60)
    except TimeIsOver:
        net.fc.bias.data += 1
    signal.alarm(0)
