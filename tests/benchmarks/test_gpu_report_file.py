"""The file of `benchmarks/gpu.py` is a versioned value: its schema is recorded, and claims rest on such files.

After an intended change of the model, this writes the record: ``python -m tests.benchmarks.test_gpu_report_file``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benchmarks.gpu_parts.report import Report
from benchmarks.gpu_parts.report_file import Measurements, read_measurements, schema
from runner.doctor.proven import NOT_PROVEN, PROVEN_ON, add_proof
from tests.support.paths import ROOT

GOLDEN = Path(__file__).with_name("gpu_report_schema.json")
NOT_PROVEN_WORDS = "Not yet proven on a GPU"


def schema_text() -> str:
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def written(folder: Path, *, device: str = "cuda", small: bool = False, **changes: Any) -> Path:
    report = Report(path=folder / "gpu.json", device=device, small=small)
    report.parts = {"a": {"cores": 2}, "e": {"limit": {"name": "NVIDIA H100"}}}
    report.seconds = {"a": 1.0, "b": 0.5, "e": 3.0}
    report.failed = {"b": "RuntimeError: no memory"}
    report.skipped = {"c": "not asked for"}
    report.write()
    report.path.write_text(json.dumps({**json.loads(report.path.read_text()), **changes}))
    return report.path


def test_the_schema_equals_the_golden_record() -> None:
    """Whoever changes the form of the file shows it in the diff."""
    assert schema_text() == GOLDEN.read_text()


def test_what_the_program_writes_is_read(tmp_path: Path) -> None:
    """With its values, its failures and what it skipped; after the first part as well."""
    content = read_measurements(written(tmp_path))
    assert (content.failed, content.skipped) == ({"b": "RuntimeError: no memory"}, {"c": "not asked for"})
    Report(path=tmp_path / "first.json", device="cpu", small=True).write()
    assert read_measurements(tmp_path / "first.json").parts == {}


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"later": 1},
        {"device": "tpu"},
        {"small": 0},
        {"started_at": "yesterday"},
        {"parts": {"i": {}}},
        {"parts": {"b": {}}},  # and failed
        {"seconds": {"d": 1.0}},
        {"seconds": {"a": -1.0, "b": 0.5, "e": 3.0}},
        {"skipped": {"a": "not asked for"}},
    ],
)
def test_another_file_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """A later version, an unknown field or part, a wrong value, a part with two ends, a time without a part."""
    with pytest.raises(ValidationError):
        read_measurements(written(tmp_path, **change))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "NVIDIA H100"),
        ({"device": "cpu"}, None),
        ({"small": True}, None),
        ({"parts": {"a": {}, "e": {"limit": 3}}}, None),
        ({"parts": {"a": {}}, "seconds": {"a": 1.0, "b": 0.5}}, None),
    ],
)
def test_only_a_gpu_at_full_size_proves_something(
    tmp_path: Path, values: dict[str, Any], name: str | None
) -> None:
    """A trial of the parts does not, on whatever device."""
    assert read_measurements(written(tmp_path, **values)).proven_on == name


def test_claims_are_those_of_the_files_in_the_tree() -> None:
    """`unlearn doctor`, README and page say that nothing is proven exactly as long as no device's file is there."""
    files = sorted((ROOT / "benchmarks" / "data").glob("gpu-*.json"))
    measured: list[Measurements] = [read_measurements(file) for file in files]
    assert sorted(PROVEN_ON) == sorted({str(content.proven_on) for content in measured})
    for page in (ROOT / "README.md", ROOT / "docs" / "gpu.md"):
        assert (NOT_PROVEN_WORDS.lower() in page.read_text().lower()) == (not measured), page


def test_advice_says_where_it_was_measured() -> None:
    """After the other advice, or alone."""
    assert NOT_PROVEN.startswith(NOT_PROVEN_WORDS)
    assert add_proof("Update it.", ()) == f"Update it. {NOT_PROVEN}"
    assert add_proof("", ("NVIDIA H100",)) == "Measured on: NVIDIA H100 (docs/gpu.md)."


if __name__ == "__main__":
    GOLDEN.write_text(schema_text())
