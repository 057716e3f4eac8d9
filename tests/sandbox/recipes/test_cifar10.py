"""The recipe cifar10 reads all published forms of CIFAR-10, and refuses damaged ones with file and row."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandbox.protocol.splits import SPLITS
from sandbox.recipes import tar
from sandbox.recipes.api import RecipeError
from tests.sandbox.recipes.drafts import all_rows, make_draft, refusal
from tests.support import recipe_data
from tests.support.npy import npy


def test_both_versions_of_cifar_are_the_same() -> None:
    """Pixels, labels and splits of the Python and the binary version are equal."""
    draft, other = (
        make_draft("cifar10", recipe_data.cifar_binary()),
        make_draft("cifar10", recipe_data.cifar_python()),
    )
    assert np.array_equal(draft.images, other.images)
    assert np.array_equal(draft.labels, other.labels)
    for split in SPLITS:
        assert np.array_equal(draft.splits[split], other.splits[split])


@pytest.mark.parametrize(
    "files", [recipe_data.cifar_python(), recipe_data.cifar_binary()], ids=["python", "binary"]
)
def test_cifar_as_it_is_published(files: dict[str, bytes]) -> None:
    """The archive gives the same as its batches, and the starting kit's file may be in the same folder."""
    forget_file = {"forget_idx.npy": npy(np.array([5, 3, 199]))}
    loose, packed = (
        make_draft("cifar10", {**data, **forget_file})
        for data in (files, {"cifar-10.tar.gz": recipe_data.tar_archive(files)})
    )
    assert np.array_equal(loose.images, packed.images)
    for split in SPLITS:
        assert np.array_equal(loose.splits[split], packed.splits[split])


def test_a_tar_that_announces_too_much() -> None:
    """A member is refused by the size that it announces, before it is decompressed; so is the sum of all members."""
    assert all(name in str(tar.ENDINGS) for name in (".tar.gz", ".tgz"))
    large, many = tarfile.TarInfo("large"), io.BytesIO()
    large.size = tar.MEMBER_BYTES + 1
    words = refusal("cifar10", {"a.tar": large.tobuf() + bytes(512)})
    assert words == "a.tar: 'large' exceeds the size limit of an archive"
    with gzip.GzipFile(fileobj=many, mode="wb", compresslevel=1) as file:
        for _ in range(1 + tar.TOTAL_BYTES // tar.MEMBER_BYTES):
            large.size = tar.MEMBER_BYTES
            file.write(large.tobuf())
            file.write(bytes(large.size))
    assert "exceeds the size limit" in refusal("cifar10", {"a.tar.gz": many.getvalue()})


def test_the_starting_kits_forget_file() -> None:
    """The listed training examples are forgotten, all others retained; val and test come from the test batch."""
    forget = np.array([5, 3, 199])
    draft = make_draft("cifar10", {**recipe_data.cifar_python(), "forget_idx.npy": npy(forget)})
    assert draft.splits["forget"].tolist() == [3, 5, 199]
    assert all_rows(draft) == list(range(300))
    assert min(*draft.splits["val"], *draft.splits["test"]) >= 200


class _Opens:
    def __reduce__(self) -> Any:
        return open, ("opened", "w")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (recipe_data.cifar_python(extra=_Opens()), r"_batch cannot be read: it uses _?io\.open"),
        ({"data_batch_1": pickle.dumps({b"data": 1})}, "it has no data and labels"),
        ({"data_batch_1": b"\x80\x02nonsense"}, "data_batch_1 cannot be read"),
        ({"data_batch_1.bin": bytes(3074)}, r"data_batch_1\.bin ends in row 1"),
        (
            {**recipe_data.cifar_python(), "forget_idx.npy": npy(np.array([1, 200]))},
            "row 1: training example 200 does not exist",
        ),
        (
            {**recipe_data.cifar_python(), "forget_idx.npy": npy(np.array([1, 2, 1]))},
            "row 2: 1 appears twice",
        ),
        ({**recipe_data.cifar_python(), "forget_idx.npy": b"x"}, r"forget_idx\.npy cannot be read"),
        ({**recipe_data.cifar_python(), **recipe_data.cifar_binary()}, "are the same batch"),
        (
            {"a.tgz": recipe_data.tar_archive(recipe_data.cifar_python()), **recipe_data.cifar_python()},
            "are the same batch",
        ),
        ({"a.tar.gz": b"\x1f\x8bnonsense"}, r"a\.tar\.gz cannot be read"),
        (
            {"a.tar.gz": recipe_data.tar_archive(recipe_data.cifar_python())[:9000]},
            r"a\.tar\.gz cannot be read",
        ),
        ({"a.tar": recipe_data.tar_archive({"x/y": b"z"}, "w")}, r"no file has a name like data_batch_1"),
    ],
)
def test_damaged_cifar(
    files: dict[str, bytes], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File and row are named, and a pickle that uses more than arrays has no effect."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=words):
        make_draft("cifar10", files)
    assert not list(tmp_path.iterdir())
