"""What `benchmarks/gpu.py` brings along is up to date, and its time and file are kept as it says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from benchmarks.gpu_parts.filters import ALL, FOLDER, read_filters
from benchmarks.gpu_parts.report import SCHEMA_VERSION, Report, quantiles
from benchmarks.gpu_parts.time_budget import TimeBudget
from tests.tools.export_filters import INDEX, SUSPECTS, source_hash


def test_the_filters_are_those_of_the_sandbox() -> None:
    """Else: .venv/bin/python -m tests.tools.export_filters."""
    index = json.loads(INDEX.read_text())
    assert index["source_sha256"] == source_hash(), "sandbox/worker/seccomp.py has changed since"
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
    assert budget.seconds_for("c") == 0.0


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
