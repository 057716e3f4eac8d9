"""Every target passes for its whole corpus and for random changes of it, without a fuzzer."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import CORPUS, MAX_INPUT_BYTES, load

TARGETS = list(MAX_INPUT_BYTES)


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name: str) -> None:
    """Every committed input, seeds and what once failed, passes its target."""
    target = load(name)
    assert {file.name for file in target.corpus} >= target.seeds.keys()
    for file in target.corpus:
        data = file.read_bytes()
        assert len(data) <= MAX_INPUT_BYTES[name], file
        target.one_input(data)


def test_no_corpus_without_a_target() -> None:
    """A folder of the corpus that no target reads would be a mistake."""
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds(name: str) -> None:
    """Seeds with a few bytes changed, repeated or removed pass as well."""
    target, draw = load(name), random.Random(0)
    seeds = list(target.seeds.values())
    for _ in range(400):
        changed = bytearray(draw.choice(seeds))
        for _ in range(draw.randrange(1, 5)):
            place, length = draw.randrange(len(changed) + 1), draw.randrange(8)
            part = changed[place : place + length]
            changed[place : place + length] = draw.choice(
                [b"", part * 2, draw.randbytes(length), b"\xff" * length]
            )
        target.one_input(bytes(changed))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_random_bytes(name: str, data: bytes) -> None:
    """Random bytes pass as well."""
    load(name).one_input(data)
