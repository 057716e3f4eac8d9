"""The documentation site: pages generated from the code, the collection of all pages, and the build.

Two steps, so that a reader of the repository sees the same pages as a reader of the site::

    the code ── website.generate ──> docs/reference/*.md        committed; a test compares them
    docs/, CHANGELOG.md, ... ── website.collect ──> build/site/pages ── zensical ──> build/site/html

`commands` renders the command line interface, `formats` the files and JSON objects, `fields` what both tell
of a field. Nothing of the project imports this package, and it is no part of the wheel.
"""
