"""Loops during its import; the import counts towards the time limit."""

while True:
    pass
