"""Imports a library that the image does not have; must say which."""

import there_is_no_such_library


def unlearning(net, retain, forget, val):
    return there_is_no_such_library
