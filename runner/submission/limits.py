"""How large a submission may be.

`runner.parsers.zip_archive` limits what is in the archive: entries, and bytes unpacked.
"""

from __future__ import annotations

from typing import Final

from runner.units import MIB

MAX_SUBMISSION_BYTES: Final = 100 * MIB
"""Maximum length of a zip archive, or of all files of a folder together."""
