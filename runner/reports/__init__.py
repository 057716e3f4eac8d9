"""What people see of evaluations and challenges: tables for a terminal, text and JSON for participants.

``scores``, ``score_card``, ``runs`` and ``challenges`` are the organizer's tables, ``entries`` has names,
counts and groups of entries; ``participant`` decides what a participant may learn. Every text that a
submission or a challenge may have chosen goes through `runner.sanitize` (``cells.plain_text`` does it for
cells).

The package turns summaries, cards and records into tables and text; it starts nothing and writes no file.
"""
