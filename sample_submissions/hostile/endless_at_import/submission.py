"""Loops while it is imported; import is part of the time."""

while True:
    pass
