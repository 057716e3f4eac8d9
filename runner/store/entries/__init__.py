"""Entries: who handed in what, when, and what came of it.

An entry is one file or folder that was typed, with its name and path; its content is known by a hash. Many
entries may have the same content, and so share an evaluation. Files that are refused are entries too.

::

    records     the fields of an entry
    queries     the part of the store that records, ends and finds entries
    listing     reads them for ``unlearn list``, without SQLAlchemy

The path as typed, with the folder in which it was typed, tells a repeated command from another entry: what is
typed again is the same entry.
"""
