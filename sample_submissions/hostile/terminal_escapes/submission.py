"""Prints terminal control sequences; none may reach a terminal unchanged."""

SEQUENCES = (
    "\x1b[31;5;7mred", "\x1b[2J\x1b[H\x1b[3J", "\x1b]0;a title\x07", "\x1b]52;c;ZXZpbA==\x07", "\x1b[?1049h", "\x1b[6n",
    "\x1b]8;;file:///etc/passwd\x1b\\link\x1b]8;;\x1b\\", "\x1b[1A\x1b[2K", "\rok", "\b" * 80, "\x07", "\x0e", "\x9b31m",
    "\x1bP$q\x1b\\", "\x1b[21t", "\x1bc", "\x1b]1337;File=:AAAA\x07", "\x1b_Gf=100;AAAA\x1b\\", "\x1b[?25l", "\v\f\x7f",
)  # fmt: skip


def unlearning(net, retain, forget, val):
    for text in SEQUENCES:
        print(text)
