"""Takes any."""


def unlearning(*arguments):
    return arguments[0]
