"""Is an engine's configuration changed by what is asked for and nothing else?"""

from __future__ import annotations

import json

import pytest

from runner.errors import HostNotReadyError
from runner.setup.runtimes import RUNTIMES, with_runtime


def test_what_is_there_is_kept() -> None:
    """Other settings and other runtimes stay; asking twice changes nothing."""
    before = {"data-root": "/data", "runtimes": {"kata": {"path": "/usr/bin/kata"}}}
    once = with_runtime(json.dumps(before).encode(), "runsc")
    assert json.loads(once) == {**before, "runtimes": {**before["runtimes"], "runsc": RUNTIMES["runsc"]}}  # type: ignore[dict-item]
    assert with_runtime(once, "runsc") == once


@pytest.mark.parametrize("empty", [b"", b"{}"])
def test_an_engine_without_a_configuration_gets_one(empty: bytes) -> None:
    """With the runtime and nothing else."""
    assert json.loads(with_runtime(empty, "crun")) == {"runtimes": {"crun": RUNTIMES["crun"]}}


@pytest.mark.parametrize("damaged", [b"{", b"[]", b'{"runtimes": 3}'])
def test_a_damaged_configuration_is_left_alone(damaged: bytes) -> None:
    """One sentence instead of a guess."""
    with pytest.raises(HostNotReadyError, match="not as it should be"):
        with_runtime(damaged, "crun")
