"""Entries as people write them run unchanged, and save the checkpoints that their authors mean.

`tests/data/entries` has one small entry for each habit of real ones. A dispatcher runs them one
after another in one worker, each in a run of its own; its place in the table is the run's seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun
from runner.submission.load import load_submission
from runner.verdict import Verdict
from tests.support.paths import TEST_DATA
from tests.support.submissions import pack_entries, pack_submission

pytestmark = pytest.mark.container

RunSubmission = Callable[..., list[EndedRun]]
State = Mapping[str, NDArray[Any]]
Expectation = Callable[[State, State], None]

ENTRIES = TEST_DATA / "entries"
AMPLE_SECONDS = 600.0
"""Some import torch anew in two processes, which a busy machine takes a minute for."""


def changed(*names: str, **to: Callable[[NDArray[Any]], NDArray[Any]]) -> Expectation:
    """Return the claim that these tensors changed, those in ``to`` (with _ for .) to this, and no other."""

    def check(original: State, state: State) -> None:
        becomes = {name.replace("__", "."): function for name, function in to.items()}
        for name, before in original.items():
            if name in becomes:
                np.testing.assert_array_equal(state[name], becomes[name](before), err_msg=name)
            else:
                same = bool(np.array_equal(state[name], before))
                assert same != (name in names), f"{name} is {'the same' if same else 'not the same'}"

    return check


def everywhere(function: Callable[[NDArray[Any]], NDArray[Any]]) -> Expectation:
    """Return the claim that every tensor became this."""

    def check(original: State, state: State) -> None:
        for name, before in original.items():
            np.testing.assert_array_equal(state[name], function(before), err_msg=name)

    return check


def trained(original: State, state: State) -> None:
    """Every weight has moved a little."""
    for name, before in original.items():
        if name.endswith((".weight", ".bias")):
            assert not np.array_equal(state[name], before), name
            assert np.abs(state[name] - before).max() < 2, name


def statistics_moved(original: State, state: State) -> None:
    """Batch normalisation has seen one batch more; weights are as they were."""
    for name, before in original.items():
        if name.endswith("num_batches_tracked"):
            assert state[name] == before + 1, name
        else:
            assert np.array_equal(state[name], before) != ("running" in name), name


def head_pruned(original: State, state: State) -> None:
    """Half of the head's weights, the smallest, are zero."""
    before, after = np.abs(original["fc.weight"]), state["fc.weight"]
    is_large = before >= np.median(before)
    np.testing.assert_array_equal(after, np.where(is_large, original["fc.weight"], 0))


def head_raised_on_average(original: State, state: State) -> None:
    """The bias of the head is raised by one, up to the rounding of a mean."""
    np.testing.assert_allclose(state["fc.bias"], original["fc.bias"] + 1, rtol=1e-6)
    changed("fc.bias")(original, state)


def layers_tied(_original: State, state: State) -> None:
    """Both layers are stored, in full."""
    np.testing.assert_array_equal(state["layer1.conv1.weight"], state["layer1.conv2.weight"])


def rounded_to_half(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float16).astype(values.dtype) if values.dtype == np.float32 else values


head_raised = changed(fc__bias=lambda bias: bias + np.float32(1))

ON_DICTS: dict[str, Expectation] = {
    "returns_none": head_raised,
    "returns_a_new_net": head_raised,
    "returns_a_deep_copy": head_raised,
    "leaves_train_mode": statistics_moved,
    "freezes_all_but_the_head": changed("fc.weight", "fc.bias"),
    "half_precision": everywhere(rounded_to_half),
    "double_precision": head_raised,
    "other_memory_formats": head_raised,
    "reordered_keys": head_raised,
    "own_loaders": head_raised,
    "workers_that_share_files": head_raised,
    "spawned_workers": head_raised,
    "dataset_access": head_raised,
    "loaders_side_by_side": head_raised,
    "class_weights": trained,
    "contest_class_weights": trained,
    "contest_folder": changed(),
    "writes_files": head_raised,
    "saves_the_whole_net": head_raised,
    "progress_bars": head_raised,
    "replaces_the_head": changed(
        fc__weight=lambda weight: np.full_like(weight, 0.5), fc__bias=lambda bias: np.full_like(bias, 0.25)
    ),
    "leaves_hooks": head_raised,
    "mixed_precision": trained,
    "schedules": trained,
    "compiled": trained,
    "data_parallel": head_raised,
    "averaged_weights": head_raised_on_average,
    "tied_weights": layers_tied,
    "flat_weights": head_raised,
    "pruned": head_pruned,
    "prints_a_lot": head_raised,
    "contest_imports": head_raised,
    "notebook_header": head_raised,
    "interfaces_of_2023": head_raised,
    "targets": head_raised,
    "own_alarm": head_raised,
    "leaves_threads": head_raised,
    "warnings_are_errors": head_raised,
    "gradients_off": head_raised,
    "callable_object": head_raised,
    "uses_files_beside_it": head_raised,
}
ON_PAIRS: dict[str, Expectation] = {"starting_kit": trained, "pairs_from_datasets": head_raised}
ALONE = {"header"}
"""Its doings at import would come after the run's seed in a dispatcher."""


def run_all(run_submission: RunSubmission, names: list[str], items: str) -> dict[str, EndedRun]:
    archive = pack_entries({name: (ENTRIES / f"{name}.py").read_text() for name in names})
    seeds = [100 * place for place in range(len(names))]
    return dict(
        zip(names, run_submission(archive, seeds, items=items, wall_seconds=AMPLE_SECONDS), strict=True)
    )


@pytest.fixture(scope="module")
def on_dicts(run_submission: RunSubmission) -> dict[str, EndedRun]:
    return run_all(run_submission, list(ON_DICTS), "dict")


@pytest.fixture(scope="module")
def on_pairs(run_submission: RunSubmission) -> dict[str, EndedRun]:
    return run_all(run_submission, list(ON_PAIRS), "tuple")


@pytest.fixture(scope="module")
def original(challenge: Challenge) -> State:
    return safetensors.numpy.load(challenge.data("original"))


def assert_as_expected(ended: EndedRun, original: State, expectation: Expectation) -> None:
    assert ended.judgement.verdict is Verdict.OK, (ended.judgement, ended.traceback)
    assert ended.judgement.detail == "", "it was taken for a network with state outside of its state dict"
    state = safetensors.numpy.load(ended.checkpoint)
    assert {name: (v.dtype, v.shape) for name, v in state.items()} == {
        name: (v.dtype, v.shape) for name, v in original.items()
    }
    expectation(original, state)


def test_every_entry_is_run() -> None:
    """No file lies beside the tables."""
    assert {file.stem for file in ENTRIES.glob("*.py")} == {*ON_DICTS, *ON_PAIRS, *ALONE}


@pytest.mark.parametrize("entry", ON_DICTS)
def test_an_entry_on_dicts_gives_the_checkpoint_it_means(
    on_dicts: dict[str, EndedRun], original: State, entry: str
) -> None:
    """Verdict ok, and in the original's names, dtypes and shapes what its author would have saved."""
    assert_as_expected(on_dicts[entry], original, ON_DICTS[entry])


@pytest.mark.parametrize("entry", ON_PAIRS)
def test_an_entry_on_pairs_gives_the_checkpoint_it_means(
    on_pairs: dict[str, EndedRun], original: State, entry: str
) -> None:
    """The same in the form of the starting kit."""
    assert_as_expected(on_pairs[entry], original, ON_PAIRS[entry])


def test_a_lot_of_printing_is_kept_at_both_ends(on_dicts: dict[str, EndedRun]) -> None:
    """And what is dropped is counted."""
    ended = on_dicts["prints_a_lot"]
    assert b"the head" in ended.log
    assert b"the tail" in ended.log
    assert ended.log_bytes_dropped > 3_000_000


def test_seeds_set_at_import_do_not_make_runs_equal(run_submission: RunSubmission, original: State) -> None:
    """An entry with the usual header gives as many checkpoints as runs, and the same for the same seed."""
    ended = run_submission(load_submission(ENTRIES / "header.py"), [1, 2, 3, 1])
    for run in ended:
        assert_as_expected(run, original, trained)
    assert len({run.checkpoint for run in ended}) == 3
    assert ended[0].checkpoint == ended[3].checkpoint


def test_runs_write_the_same_names(run_submission: RunSubmission, original: State) -> None:
    """Each finds its own files in the contest's folders, and no other's."""
    ended = run_submission(load_submission(ENTRIES / "writes_files.py"), range(8))
    for run in ended:
        assert_as_expected(run, original, head_raised)


def test_a_submission_meets_no_name_of_this_project(run_submission: RunSubmission, original: State) -> None:
    """A package ``sandbox`` of its own is found, and what a script pickled; all else can still be pickled."""
    main = """
import copy, io, pickle
import torch
from torch.utils.data import DataLoader
from sandbox.tools import raise_head

class State:
    step = 3

assert pickle.loads(b"c__main__\\nState\\n.").step == 3

def unlearning(net, retain, forget, val):
    saved = io.BytesIO()
    torch.save(net, saved)
    saved.seek(0)
    assert type(torch.load(saved)) is type(copy.deepcopy(net)) is type(net)
    assert len(pickle.loads(pickle.dumps(retain.dataset))) == len(retain.dataset)
    for options in ({}, {"multiprocessing_context": "spawn"}):
        next(iter(DataLoader(retain.dataset, batch_size=8, num_workers=1, **options)))
    raise_head(net)
"""
    tools = "def raise_head(net):\n    net.fc.bias.data += 1\n"
    files = {"submission.py": main, "sandbox/__init__.py": "", "sandbox/tools.py": tools}
    (ended,) = run_submission(pack_submission(files), wall_seconds=AMPLE_SECONDS)
    assert_as_expected(ended, original, head_raised)


def test_each_run_has_a_class_weights_file_of_its_own(run_submission: RunSubmission) -> None:
    """What a run does to it no other finds, at the same time or later; without dicts there is none."""
    spoil = """
import json, pathlib
file = pathlib.Path("/kaggle/input/neurips-2023-machine-unlearning/age_class_weights.json")
weights = json.loads(file.read_text()) if file.exists() else None
print(json.dumps(weights))
if weights:
    file.write_text("[]")
    file.with_name("more").write_text("")
    assert len(list(file.parent.iterdir())) == 2
def unlearning(net, retain, forget, val):
    pass
"""
    ended = run_submission(spoil, range(4))
    assert {run.judgement.verdict for run in ended} == {Verdict.OK}, ended[0].traceback
    assert len({run.log for run in ended}) == 1
    assert len(json.loads(ended[0].log)) == 10
    (on_pairs,) = run_submission(spoil, items="tuple")
    assert on_pairs.log == b"null\n"
