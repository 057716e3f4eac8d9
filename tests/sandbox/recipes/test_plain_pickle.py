"""Batches are read whichever Python wrote them; a pickle that uses anything else than data is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandbox.recipes.api import RecipeError
from sandbox.recipes.cifar import read_python
from sandbox.recipes.cifar10 import FORM
from sandbox.recipes.plain_pickle import load_plain
from tests.sandbox.recipes.drafts import make_draft, refusal
from tests.support import recipe_data

IMAGES, LABELS = recipe_data.cifar_rows()
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("text_keys", [True, False])
@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        np.array(LABELS),
        np.array(LABELS, np.uint8),
        np.array(LABELS)[:, None],
        [np.int64(label) for label in LABELS],
        [np.uint8(label) for label in LABELS],
    ],
    ids=["list", "array", "bytes", "column", "int64", "uint8"],
)
def test_a_batch_of_any_python(protocol: int, text_keys: bool, labels: Any) -> None:
    """Every protocol, names as text or bytes, labels as list, array or NumPy's integers; extra entries too."""
    batch: dict[Any, Any] = {
        "data": IMAGES,
        "labels": labels,
        "batch_label": "",
        "filenames": [b"", b"a\xff"],
    }
    if not text_keys:
        batch = {key.encode(): value for key, value in batch.items()}
    images, read = read_python("data_batch_1", pickle.dumps(batch, protocol), FORM)
    assert np.array_equal(images, IMAGES)
    assert read.tolist() == LABELS
    assert read.dtype == np.int64


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_layouts_in_memory(protocol: int) -> None:
    """Columns first, a read-only array, a slice of a larger array."""
    locked = IMAGES.copy()
    locked.flags.writeable = False
    for images in (np.asfortranarray(IMAGES), locked, np.repeat(IMAGES, 2, axis=0)[::2]):
        data = pickle.dumps({"data": images, "labels": LABELS}, protocol)
        assert np.array_equal(read_python("data_batch_1", data, FORM)[0], IMAGES)


def test_names_of_an_older_numpy() -> None:
    """Its modules had another name."""
    for protocol in PROTOCOLS:
        data = pickle.dumps([np.arange(3), np.int64(4)], protocol)
        if protocol < 4:  # from 4 on, names have a length in front
            data = data.replace(b"numpy._core", b"numpy.core")
        loaded = load_plain(data)
        assert isinstance(loaded, list)
        assert loaded[0].tolist() == [0, 1, 2]
        assert loaded[1] == 4


class _Calls:
    """An object whose pickle calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def _raw(module: str, name: str, arguments: bytes = b"(t") -> bytes:
    """Return the pickle that calls a name of a module."""
    return f"c{module}\n{name}\n".encode() + arguments + b"R."


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (_Calls(open, "opened", "w"), "it uses "),
        (_Calls(eval, "open('opened', 'w')"), "it uses "),
        (_Calls(getattr, np.ndarray, "tofile"), "it uses "),
        (_Calls(np.fromfile, "opened"), "it uses "),
        (_Calls(np.save, "opened", 1), "it uses "),
        (_Calls(np.memmap, "opened", "u1", "w+", 0, (3,)), "it uses "),
        (_Calls(bytearray, 5), "it uses "),
    ],
)
def test_names_beyond_data_are_refused(
    protocol: int, value: object, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name that they use, before it is called."""
    monkeypatch.chdir(tmp_path)
    batch = {"data": IMAGES, "labels": LABELS, "extra": value}
    with pytest.raises(RecipeError, match=words):
        read_python("data_batch_1", pickle.dumps(batch, protocol), FORM)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "data",
    [
        _raw("_codecs", "encode", b"(Vabc\nVrot13\nt"),
        _raw("_codecs", "encode", b"(Vabc\nVzlib\nt"),
        _raw("_codecs", "decode", b"(Vabc\nVlatin1\nt"),
        _raw("builtins", "bytes", b"(I1000000000000\nt"),
        _raw("numpy._core.numeric", "_frombuffer", b"(Vabc\nNNNt"),
        _raw("numpy._core.multiarray", "scalar", b"(Vu1\nVa\nt"),
        b"\x80\x04" + _raw("numpy", "dtype.type.mro"),
        _raw("numpy", "_core"),
        _raw("numpy.core.os", "system", b"(Vtouch opened\nt"),
        _raw("numpy._core.multiarray._reconstruct", "__globals__"),
        _raw("", "_codecs.encode"),
    ],
)
def test_accepted_names_do_nothing_else(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An accepted name with other arguments, and a name that only resembles one, are refused."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match="cannot be read"):
        read_python("data_batch_1", data, FORM)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["O", "S8", "V8", "M8[s]", "O,O"])
def test_only_numbers_come_from_a_buffer(kind: str) -> None:
    """The bytes of an array of objects would be addresses."""
    from_buffer = np._core.numeric._frombuffer  # type: ignore[attr-defined]
    for call in (
        _Calls(from_buffer, bytes(8), np.dtype(kind), (1,), "C"),
        _Calls(np._core.multiarray.scalar, np.dtype(kind), bytes(8)),  # type: ignore[attr-defined]
    ):
        with pytest.raises(pickle.UnpicklingError, match="are not numbers"):
            load_plain(pickle.dumps(call))


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({"data": IMAGES, "labels": LABELS[:-1]}, "one label for each of its 100 rows: a list of 99"),
        ({"data": IMAGES, "labels": np.array(LABELS).reshape(50, 2)}, "an array [50, 2] of int64"),
        ({"data": IMAGES, "labels": 5}, "rows: a int"),
        ({"data": IMAGES, "labels": np.array(LABELS, float)}, "row 0: the label is '0.0', not an integer"),
        ({"data": IMAGES, "labels": [*LABELS[:-1], True]}, "row 99: the label is 'True', not an integer"),
        (
            {"data": IMAGES, "labels": [*LABELS[:-1], 10]},
            "row 99: the label is '10', not an integer from 0 to 9",
        ),
        ({"data": IMAGES, "labels": ["a"] * 100}, "row 0: the label is 'a', not an integer"),
        ({"data": IMAGES[:, :5], "labels": LABELS}, "its data is an array [100, 5] of uint8"),
        ({"data": IMAGES.tolist(), "labels": LABELS}, "its data is a list of 100"),
        ({"data": IMAGES, "fine_labels": LABELS}, "it has no data and labels"),
    ],
)
def test_other_batches(batch: dict[str, Any], words: str) -> None:
    """What is not a batch is refused with what it has."""
    assert words in refusal("cifar10", {"data_batch_1": pickle.dumps(batch)})


def test_a_challenge_from_batches_of_today() -> None:
    """The recipe gives the same draft as from the published pickles."""
    batch = pickle.dumps({"data": IMAGES, "labels": np.array(LABELS)}, 5)
    renewed = make_draft("cifar10", dict.fromkeys(recipe_data.cifar_python(), batch))
    published = make_draft("cifar10", recipe_data.cifar_python())
    assert np.array_equal(renewed.images, published.images)
    assert np.array_equal(renewed.labels, published.labels)
