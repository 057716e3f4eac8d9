"""A submission as bytes: loaded from a folder, a file or an archive, and packed as one zip archive.

``load`` reads a participant's path and has `runner.parsers.zip_archive` inspect the archive; ``pack`` writes
archives whose bytes depend on their content alone, so that a submission's hash is its identity; ``limits``
says how large a submission may be.

A submission's code must never be imported, executed or unpacked here: a run does that, inside a container.
"""
