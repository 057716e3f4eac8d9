"""Raises text that would clear a terminal and print `ok`; must be displayed in sanitized form."""


def unlearning(net, retain, forget, val):
    raise ValueError(
        "\x1b[2J\x1b[H\x1b[32mok\x1b[0m \u202egnihton\u202c \u2066\u200b \0 \x9b31m \x1b]52;c;ZXZpbA==\x07"
    )
