"""A node's cache of challenges takes only what it was promised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.cluster.node.challenge_cache import ChallengeCache, challenge_files
from runner.errors import ConfigurationError, HostNotReadyError


@pytest.fixture
def tiny(load_challenge: Callable[[Limits], Challenge]) -> Challenge:
    return load_challenge(Limits())


def test_a_challenge_comes_as_it_was(tiny: Challenge, tmp_path: Path) -> None:
    """Whole, under its hash, and only then."""
    cache = ChallengeCache(tmp_path / "cache")
    assert not cache.has(tiny.sha256)
    cache.store(tiny.sha256, challenge_files(tiny))
    assert cache.has(tiny.sha256)
    loaded = cache.load(tiny.sha256)
    assert loaded.sha256 == tiny.sha256
    assert loaded.data("forget") == tiny.data("forget")
    cache.store(tiny.sha256, challenge_files(tiny))  # another process came first
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [tiny.sha256]


def test_files_of_another_challenge_are_refused(tiny: Challenge, tmp_path: Path) -> None:
    """Changed, missing, or under another hash; nothing of them stays."""
    cache = ChallengeCache(tmp_path / "cache")
    files = challenge_files(tiny)
    changed = {**files, "public/forget.safetensors": files["public/forget.safetensors"] + b"x"}
    missing = {name: data for name, data in files.items() if name != "public/val.safetensors"}
    outside = {**files, "../escape": b"x"}
    for sha256, wrong in ((tiny.sha256, changed), (tiny.sha256, missing), ("0" * 64, files)):
        with pytest.raises(ConfigurationError):
            cache.store(sha256, wrong)
    with pytest.raises(ConfigurationError, match=r"\.\./escape"):
        cache.store(tiny.sha256, outside)
    assert not cache.has(tiny.sha256)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_challenge_that_was_damaged_is_removed(tiny: Challenge, tmp_path: Path) -> None:
    """So that the coordinator sends it again."""
    cache = ChallengeCache(tmp_path)
    cache.store(tiny.sha256, challenge_files(tiny))
    (tmp_path / tiny.sha256 / "public/forget.safetensors").write_bytes(b"x")
    with pytest.raises(HostNotReadyError, match="damaged"):
        cache.load(tiny.sha256)
    assert not cache.has(tiny.sha256)


def test_the_ones_that_were_not_used_for_longest_are_removed(tiny: Challenge, tmp_path: Path) -> None:
    """The cache does not grow without end."""
    cache = ChallengeCache(tmp_path, most=2)
    for number in range(3):
        (tmp_path / f"old-{number}").mkdir()
    cache.store(tiny.sha256, challenge_files(tiny))
    assert cache.has(tiny.sha256)
    assert len(list(tmp_path.iterdir())) == 2
