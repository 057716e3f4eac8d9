"""Fights back when it is asked for its function; must end as its own fault."""

import sys


class Own(type(sys)):
    def __getattribute__(self, name):
        raise SystemExit


sys.modules[__name__].__class__ = Own
