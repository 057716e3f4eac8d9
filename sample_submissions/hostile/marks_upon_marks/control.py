"""Prints marks as languages use them."""


def unlearning(net, retain, forget, val):
    print("bo\u0323\u0302\u0301, שָׁלוֹם, བསྒྲུབས, ❤\ufe0f")
