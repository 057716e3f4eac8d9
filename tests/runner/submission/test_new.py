"""`unlearn new` writes a submission that is accepted as it is, and overwrites nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import ConfigurationError
from runner.submission.load import load_submission
from runner.submission.new import CiService, write_template


@pytest.mark.parametrize(
    ("ci", "file"), [("github", ".github/workflows/check.yml"), ("gitlab", ".gitlab-ci.yml"), ("none", None)]
)
def test_a_new_folder_is_a_submission(tmp_path: Path, ci: CiService, file: str | None) -> None:
    """With the workflow file of the chosen service, and no other one."""
    folder = tmp_path / "a" / "mine"
    names = write_template(folder, ci=ci)
    assert names == ["submission.py", "README.md", *([file] if file is not None else [])]
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == set(names)
    assert load_submission(folder).name == "mine"
    tree = ast.parse((folder / "submission.py").read_text())
    (function,) = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "unlearning"
    ]
    assert [argument.arg for argument in function.args.args] == ["net", "retain", "forget", "val"]
    assert len((folder / "README.md").read_text().splitlines()) <= 10


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    """As it may have been made by hand."""
    write_template(tmp_path)
    assert (tmp_path / "submission.py").is_file()


@pytest.mark.parametrize(
    "kind", ["a file", "a folder with a file", "a link that leads nowhere", "below a file"]
)
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    """What is there stays as it is."""
    path = tmp_path / "mine"
    if kind == "a file":
        path.write_text("precious")
    elif kind == "a folder with a file":
        path.mkdir()
        (path / "submission.py").write_text("precious")
    elif kind == "below a file":
        path.write_text("precious")
        path = path / "mine"
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match=r"is not (a folder|empty)"):
        write_template(path)
    for file in (tmp_path / "mine", tmp_path / "mine" / "submission.py"):
        if file.is_file():
            assert file.read_text() == "precious"


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_workflow_uses_options_that_exist(tmp_path: Path, ci: CiService) -> None:
    """Its command has the options of `unlearn check`, and its indentation is that of YAML."""
    from runner.cli.lazy import LazyCommand
    from runner.cli.main import COMMANDS

    name = write_template(tmp_path, ci=ci)[-1]
    text = (tmp_path / name).read_text()
    assert "\t" not in text
    (command,) = [line for line in text.splitlines() if " check . " in line]
    target, summary = COMMANDS["check"]
    options = {
        option
        for parameter in LazyCommand("check", target=f"runner.cli.{target}", summary=summary).load().params
        for option in parameter.opts
    }
    assert {word.rstrip("'") for word in command.split() if word.startswith("--")} <= options


LINTERS: dict[CiService, list[str]] = {
    "github": ["--builtin-schema", "vendor.github-workflows"],
    "gitlab": ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
}


def lint(file: Path, ci: CiService) -> subprocess.CompletedProcess[str]:
    """Compare a workflow file with the service's own schema, of which the linter has a copy."""
    words = [sys.executable, "-m", "check_jsonschema", *LINTERS[ci], str(file)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("ci", list(LINTERS))
def test_a_workflow_file_is_accepted_by_a_linter(tmp_path: Path, ci: CiService) -> None:
    """And the linter would notice a step, or a job, that is wrong."""
    file = tmp_path / write_template(tmp_path, ci=ci)[-1]
    done = lint(file, ci)
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(file.read_text().replace("steps:", "stages:").replace("script:", "scripts:"))
    assert lint(file, ci).returncode == 1
