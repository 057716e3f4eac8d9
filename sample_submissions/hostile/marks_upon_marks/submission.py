"""Prints stacked marks and letters that display as nothing; the display must reveal them."""

INVISIBLE = "\u034f\u115f\u1160\u17b4\u3164\uffa0\U000e0101"


def unlearning(net, retain, forget, val):
    print("before a" + "\u0301" * 300 + " after")
    print(" ".join(f"before {letter} after" for letter in INVISIBLE))
