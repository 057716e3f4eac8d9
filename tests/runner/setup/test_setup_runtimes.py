"""An engine's configuration is changed by the requested runtime alone."""

from __future__ import annotations

import json

import pytest

from runner.errors import HostNotReadyError
from runner.setup.runtimes import RUNTIMES, with_runtime


def test_other_settings_are_preserved() -> None:
    """So are other runtimes; adding a runtime twice changes nothing."""
    before = {"data-root": "/data", "runtimes": {"kata": {"path": "/usr/bin/kata"}}}
    once = with_runtime(json.dumps(before).encode(), "runsc")
    assert json.loads(once) == {**before, "runtimes": {**before["runtimes"], "runsc": RUNTIMES["runsc"]}}  # type: ignore[dict-item]
    assert with_runtime(once, "runsc") == once


@pytest.mark.parametrize("empty", [b"", b"{}"])
def test_an_engine_without_a_configuration_gets_one(empty: bytes) -> None:
    """It contains the runtime and nothing else."""
    assert json.loads(with_runtime(empty, "crun")) == {"runtimes": {"crun": RUNTIMES["crun"]}}


@pytest.mark.parametrize("damaged", [b"{", b"[]", b'{"runtimes": 3}'])
def test_a_damaged_configuration_is_not_changed(damaged: bytes) -> None:
    """It is an error, not a guess."""
    with pytest.raises(HostNotReadyError, match="is not valid"):
        with_runtime(damaged, "crun")
