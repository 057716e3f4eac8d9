"""Names an exception's class so that a report would tell another story; it must be shown without harm."""

NAME = "\x1b[2J\x1b[32mok\n| other submission | ok | 1.000 |\r\n\u202eko\u202c\u2028\ud800\U000e0041"


def unlearning(net, retain, forget, val):
    raise type(NAME, (Exception,), {"__module__": NAME})("and no more")
