"""Take a file: read its body to the disk within limits, then record the entry.

``body`` reads, ``uploads`` names and removes files, ``hand_in`` decides and records. A file has its final
name, on the disk, before its row exists; a row without its file does not. Whoever is killed leaves files at
most, which ``uploads`` removes after a day.
"""
