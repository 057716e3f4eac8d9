"""What `unlearn check` writes of views, without a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli.participant.check_output import CheckOutput
from runner.reports.views.make import refused_view


@pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "missing"])
def test_an_annotation_without_a_line_names_a_file(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The entry file of a folder that has it; a folder is no file, so nothing is named where it has none."""
    path, expected = tmp_path / "bad3", tmp_path / "bad3"
    if kind.endswith("folder"):
        path.mkdir()
        expected = path / "submission.py"
    if kind in ("folder", "file"):
        expected.write_text("")
    view = refused_view(name="bad3", path=str(path), challenge="digits", n=2, reason="it is none")
    CheckOutput(as_json=False, github=True, junit=None).print_view(view)
    line = capsys.readouterr().out.splitlines()[-1]
    file = f"file={expected}," if kind in ("folder", "file") else ""
    assert line == f"::error {file}title=refused::it is none"
