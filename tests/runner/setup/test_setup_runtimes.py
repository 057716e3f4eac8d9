"""An engine's configuration is changed by the requested runtime alone."""

from __future__ import annotations

import json

import pytest

from runner.cli.setup import print_ready
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


def test_the_next_step_stands_below_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    """As `unlearn new` prints its own; a long name is on one line."""
    for tag in ("unlearn:0.1.0", "a/" + "b" * 200 + ":1"):
        print_ready(tag)
        assert capsys.readouterr().out == f"Ready: {tag}\nnext: unlearn new mine\n"
