"""How large a submission may be, on any challenge; a challenge may allow less (`runner.challenge.limits`).

`runner.parsers.zip_archive` limits what is in the archive: entries, and bytes unpacked.
"""

from __future__ import annotations

from typing import Final

from runner.parsers.zip_archive import MAX_ARCHIVE_BYTES

MAX_SUBMISSION_BYTES: Final = MAX_ARCHIVE_BYTES
"""Maximum length of a zip archive, or of all files of a folder together."""
