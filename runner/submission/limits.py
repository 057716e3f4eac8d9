"""How large a submission may be.

`runner.parsers.zip_archive` limits what is in the archive: entries, and bytes unpacked.
"""

from __future__ import annotations

from typing import Final

from runner.units import MIB

MAX_SUBMISSION_BYTES: Final = 100 * MIB
"""Of a zip archive; of a folder, the bytes of all its files together."""
