"""Gives an exception class a name that would falsify a report; must be displayed in sanitized form."""

NAME = "\x1b[2J\x1b[32mok\n| other submission | ok | 1.000 |\r\n\u202eko\u202c\u2028\ud800\U000e0041"


def unlearning(net, retain, forget, val):
    raise type(NAME, (Exception,), {"__module__": NAME})("and no more")
