"""Raises an exception when its function is looked up; must be the submission's own failure."""

import sys


class Own(type(sys)):
    def __getattribute__(self, name):
        raise SystemExit


sys.modules[__name__].__class__ = Own
