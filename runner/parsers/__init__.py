"""Parsers of untrusted bytes: bytes in, checked values or an exception out.

::

    zip_archive, zip_entries, zip_names,  a submission's archive, accepted without unpacking it,
    zip_records, zip64, zip_rewrite       and written anew if its layout is not the plain one
    binary_files                          which of its files are not text
    entry_file                            the file that a submission starts with, among its names
    checkpoint, safetensors               a run's checkpoint, checked without torch or pickle
    run_error                             the exception that a run reports
    npz                                   arrays of numbers on disk
    toml                                  the text of ``challenge.toml``

Every parser bounds its time and memory by the length of its input, accepts one plain form of it, and raises
an error whose text may be shown to people. All of them are fuzzed (`tests/fuzz`).

A parser must not know files, processes or the network, and must not trust any length that the bytes claim.
Of the project it imports `runner.sanitize` and `runner.verdict` alone.
"""
