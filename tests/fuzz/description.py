"""The description of a challenge, ``challenge.toml``, as the host reads it."""

from __future__ import annotations

from pathlib import Path

from runner.challenge.description import Description, parse_description, render_description
from runner.challenge.layout import CHALLENGE_FILES
from runner.challenge.limits import Limits
from runner.challenge.training import Training
from runner.errors import ConfigurationError

INSTRUMENTED = (
    *("runner.challenge.description", "runner.challenge.limits", "runner.parsers.toml"),
    *("tomllib._parser", "tomllib._re"),
)
_FILE = Path("challenge.toml")


def one_input(data: bytes) -> None:
    """What is accepted is within its limits and is read the same after it was written."""
    try:
        found = parse_description(_FILE, data)
    except ConfigurationError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("challenge.toml")
        return
    limits = found.limits
    assert (limits.wall_seconds is None) != (limits.wall_fraction is None)
    assert 0 < (limits.wall_seconds or limits.wall_fraction or 0) < float("inf")
    assert 0 < found.forget_fraction < 1
    assert found.classes >= 2
    text = render_description(found)
    assert render_description(parse_description(_FILE, text)) == text


def seeds() -> dict[str, bytes]:
    """Return a few descriptions to begin with."""
    counts = [10, 10]
    whole = render_description(
        Description(
            schema_version=1,
            name="digits",
            recipe="digits",
            seed=7,
            forget_fraction=0.05,
            architecture="digits",
            classes=2,
            item_format="dict",
            batch_size=64,
            references=2,
            image="0" * 64,
            limits=Limits(),
            training=Training(epochs=1, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4),
            class_counts={"retain": counts, "forget": counts, "val": counts, "test": counts},
            files=dict.fromkeys(CHALLENGE_FILES, "0" * 64),
        )
    )
    return {
        "whole": whole,
        "not-finite": whole.replace(b"0.9", b"nan").replace(b"60.0", b"inf"),
        "half": whole[: len(whole) // 2],
        "kinds": b"a = 1979-05-27T07:32:00Z\nb = [1, {c = 0x1F, d = \"\\u00e9\"}]\n[[e.f]]\n\"\" = '''x'''\n",
    }
