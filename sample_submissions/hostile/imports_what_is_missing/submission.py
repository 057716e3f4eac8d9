"""Imports a library that the image lacks; the report must name it."""

import there_is_no_such_library


def unlearning(net, retain, forget, val):
    return there_is_no_such_library
