"""What `benchmarks/gpu.py` brings along is up to date, and its time and file are kept as it says."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.gpu_parts import parts
from benchmarks.gpu_parts.devices import ENVIRONMENT
from benchmarks.gpu_parts.filters import ALL, FOLDER, fit_this_machine, read_filters
from benchmarks.gpu_parts.part_process import PartSkippedError, Values
from benchmarks.gpu_parts.parts import Conditions
from benchmarks.gpu_parts.report import SCHEMA_VERSION, Report, quantiles
from benchmarks.gpu_parts.time_budget import TimeBudget
from benchmarks.gpu_parts.worker.worker_program import needed_within
from runner.engine.container_spec import _GPU_ENVIRONMENT
from tests.tools.export_filters import INDEX, SUSPECTS, source_hash


def test_the_filters_are_those_of_the_sandbox() -> None:
    """Else: .venv/bin/python -m tests.tools.export_filters."""
    index = json.loads(INDEX.read_text())
    assert index["source_sha256"] == source_hash(), "sandbox/seccomp.py has changed since"
    filters = read_filters()
    assert next(iter(filters)) == ALL
    assert set(filters) == {ALL, *SUSPECTS} == set(index["programs"])
    for name, program in filters.items():
        assert hashlib.sha256(program).hexdigest() == index["programs"][name]
        assert len(program) % 8 == 0
        assert name == ALL or program != filters[ALL], f"{name} allows nothing more"


def test_a_folder_without_filters_has_none(tmp_path: Path) -> None:
    """The parts that need one then say so."""
    assert read_filters(tmp_path) == {}
    assert FOLDER.is_dir()


def test_the_time_is_shared_among_the_parts_that_are_left() -> None:
    """What one part does not use is there for the next; what one takes too much, the next have less."""
    now = 0.0
    budget = TimeBudget(100.0, {"a": 1, "b": 3, "c": 1}, lambda: now)
    assert budget.seconds_for("a") == pytest.approx(20.0)
    now = 4.0
    assert budget.seconds_for("b") == pytest.approx(72.0)
    now = 98.0
    assert budget.seconds_for("c") == pytest.approx(2.0)
    now = 120.0
    assert (budget.seconds_for("c"), budget.limit_for("c"), budget.left) == (0.0, 0.0, 0.0)


def test_a_part_that_does_not_stop_leaves_others_half_of_their_time() -> None:
    """The last one has all that is left."""
    now = 0.0
    budget = TimeBudget(100.0, {"a": 1, "b": 3}, lambda: now)
    assert budget.limit_for("a") == pytest.approx(62.5)
    now = 62.5
    assert budget.limit_for("b") == budget.seconds_for("b") == pytest.approx(37.5)


def test_the_device_is_set_up_as_in_containers() -> None:
    """Else another thing is measured than what runs."""
    for name, value in ENVIRONMENT.items():
        assert _GPU_ENVIRONMENT.get(name, value) == value
    assert _GPU_ENVIRONMENT.keys() - ENVIRONMENT.keys() == {"NVIDIA_DRIVER_CAPABILITIES"}


def test_a_machine_with_other_system_calls_has_no_filters(tmp_path: Path) -> None:
    """Their numbers would refuse something else there."""
    shutil.copytree(FOLDER, tmp_path / "filters")
    index = tmp_path / "filters" / INDEX.name
    index.write_text(json.dumps({**json.loads(index.read_text()), "machine": platform.machine()}))
    assert fit_this_machine(tmp_path / "filters")
    assert read_filters(tmp_path / "filters").keys() >= {ALL}
    index.write_text(json.dumps({**json.loads(index.read_text()), "machine": "sparc64"}))
    assert not fit_this_machine(tmp_path / "filters")
    assert read_filters(tmp_path / "filters") == {}


def test_folders_that_are_needed_below_those_of_runs_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packages in /tmp, say: the worker's own /tmp would hide them. Each once, and none twice by its parent."""
    for name in ("site/inner", "libraries", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    site, libraries = tmp_path / "site", tmp_path / "libraries"
    paths = [str(site / "inner"), str(site), str(tmp_path / "none"), ""]
    monkeypatch.setattr(sys, "path", [*paths, *sys.path])
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{libraries}:")
    assert needed_within((str(tmp_path),)) == sorted((libraries, site))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs the parts that need it, and no other."""

    def call(_given: Conditions) -> Values:
        raise ModuleNotFoundError("No module named 'safetensors'", name="safetensors")

    monkeypatch.setitem(parts._CALLS, "f", call)
    given = Conditions(device="cpu", small=True, seconds=1.0, found={}, on_way=lambda _values: None)
    with pytest.raises(PartSkippedError, match="safetensors is not installed"):
        parts.measure("f", given)
    assert parts._CALLS.keys() == parts.PARTS.keys() == parts.WEIGHTS.keys()


def test_the_file_is_whole_after_every_part(tmp_path: Path) -> None:
    """And holds what was skipped, and what failed."""
    report = Report(path=tmp_path / "gpu.json", device="cpu", small=True)
    report.skipped = {"b": "not asked for"}
    report.parts["a"] = {"cores": 2}
    report.write()
    report.failed["c"] = "RuntimeError: no memory"
    report.write()
    content = json.loads(report.path.read_text())
    assert content["schema_version"] == SCHEMA_VERSION
    assert content["parts"] == {"a": {"cores": 2}}
    assert content["skipped"] == {"b": "not asked for"}
    assert content["failed"] == {"c": "RuntimeError: no memory"}
    assert [file.name for file in tmp_path.iterdir()] == ["gpu.json"]


def test_quantiles() -> None:
    """Of the values that were measured, never between them."""
    assert quantiles([]) == {}
    assert quantiles([3.0]) == {"min": 3.0, "median": 3.0, "p90": 3.0, "max": 3.0}
    assert quantiles([float(value) for value in range(11)]) == {"min": 0, "median": 5, "p90": 9, "max": 10}
