"""The control problems of a challenge: hidden challenges of the same kind, with which evaluations compare.

A control problem is a complete challenge in a folder of its own, built by the plan of its challenge with
another secret seed: data, forget set, original network and references are its own. ``challenge.toml`` lists
the hash of each one's description, and exports know nothing of them.
"""

from __future__ import annotations

import hashlib

from runner.challenge.challenge import Challenge
from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE, control_folder
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError
from runner.files import read_regular_file


def load_controls(challenge: Challenge) -> tuple[Challenge, ...]:
    """Return the control problems of a challenge, every file of them checked.

    Raises:
        ConfigurationError: one is missing or damaged, or is not the one that the challenge lists.
    """
    controls = []
    for number, sha256 in enumerate(challenge.description.controls or (), start=1):
        folder = control_folder(challenge.folder, number)
        try:
            text = read_regular_file(folder / DESCRIPTION_FILE, max_bytes=DESCRIPTION_BYTES)
        except OSError as error:
            raise ConfigurationError(
                f"Control problem {number} of the challenge at {challenge.folder} cannot be read: {error}. "
                "Copy the whole folder of a challenge, its private folder too."
            ) from error
        if hashlib.sha256(text).hexdigest() != sha256:
            raise ConfigurationError(
                f"{folder / DESCRIPTION_FILE} is not the control problem that "
                f"{challenge.folder / DESCRIPTION_FILE} lists."
            )
        controls.append(load_challenge(folder))
    return tuple(controls)
