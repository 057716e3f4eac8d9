"""Raises an exception whose text cannot be computed; must be `crashed`, and the harness must survive."""

import os
import time


class Text(str):
    def __getitem__(self, _what):
        raise SystemExit

    def encode(self, *_):
        os._exit(0)


class Meta(type):
    def __getattribute__(cls, name):
        if name in ("__name__", "__qualname__", "__module__"):
            raise KeyboardInterrupt
        return super().__getattribute__(name)


class Bad(Exception):
    def __str__(self):
        raise SystemExit


class Odd(Exception):
    def __str__(self):
        return Text("odd words")


class Worse(Exception, metaclass=Meta):
    pass


def unlearning(net, retain, forget, val):
    raise (Bad, Odd, Worse)[time.monotonic_ns() // 1_000_000 % 3]
