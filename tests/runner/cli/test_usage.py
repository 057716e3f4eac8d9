"""A command that is typed wrongly is one sentence in the form of all errors; help, versions and completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperArgument

from runner.cli import main as cli
from runner.cli.interface.output_file import check_output_file
from runner.cli.interface.panels import HIDDEN, PANELS
from runner.errors import ConfigurationError
from runner.store.open_store import open_store
from tests.runner.cli.test_cli_paths import commands
from tests.support.command import type_command
from tests.support.paths import ROOT


def type_words(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    """Return exit code, stdout and stderr of a command that starts nothing."""
    code: object = 0
    try:
        with cli._errors_as_exit_codes():
            cli.run_words(words)
    except SystemExit as ending:
        code = ending.code
    written = capsys.readouterr()
    return code, written.out, written.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("runn",), "No such command 'runn'. Did you mean 'run'? See: unlearn --help"),
        (("challenge", "foo"), "No such command 'foo'. See: unlearn challenge --help"),
        (("run",), "Missing argument 'PATH...'. See: unlearn run --help"),
        (
            ("run", "x"),
            "Missing option '--challenge' / '-c' (env var: 'UNLEARN_CHALLENGE'). See: unlearn run --help",
        ),
        (("run", "x", "-c", "y", "-n", "z"), "--runs / -n: must be a whole number. See: unlearn run --help"),
        (("run", "x", "-c", "y", "--runs", "1"), "--runs or -n must be from 2 to"),
        (
            ("run", "x", "-c", "y", "--isolation", "vm"),
            "--isolation: 'vm' is not one of 'process', 'container'.",
        ),
        (("list", "--nope"), "No such option: --nope"),
        (("list", "--store"), "Option '--store' requires an argument."),
        (("challenge", "build", "digits", "d", "--references", "1"), "--references: must be 2 or more."),
        (
            ("challenge", "build", "digits", "d", "--forget-fraction", "2"),
            "--forget-fraction: must be 0.5 or less.",
        ),
        (("challenge", "build", "digits", "d", "--wall-seconds", "x"), "--wall-seconds: must be a number."),
        (("challenge", "build", "digits", "d", "--memory-mib", "-5"), "--memory-mib must be from 64 to"),
        (("challenge", "build", "digits", "d", "--wall-seconds", "-5"), "--wall-seconds: must be above 0."),
        (("challenge", "build", "digits", "d", "--concurrency", "0"), "--concurrency: must be"),
        (("challenge", "export", "x"), "Name the folder for participants with --out DIR."),
    ],
)
def test_one_sentence_that_names_the_option(
    words: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Exit code 2, nothing on stdout, no box, and no words of the library that checks values."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNLEARN_CHALLENGE", raising=False)
    code, out, err = type_words(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"unlearn: {sentence}")
    assert err.count("\n") == 1
    for foreign in ("Input should", "Value error", "Usage:", "╭"):
        assert foreign not in err


@pytest.mark.parametrize("name", ["-rf.zip", "-n.zip", "--store.zip"])
def test_a_file_that_looks_like_an_option(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`unlearn run *.zip` where one begins with a dash: the sentence says how to name it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(b"no zip")
    code, _out, err = type_words(capsys, "run", name, "-c", "nowhere")
    assert code == 2
    assert f"{name} is a file: type ./{name}, or -- before the names of files" in err
    for words in (("run", "-c", "nowhere", "--", name), ("run", "-c", "nowhere", f"./{name}")):
        assert "No challenge exists at nowhere" in type_words(capsys, *words)[2]


def test_the_challenge_can_come_from_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """UNLEARN_CHALLENGE stands for --challenge."""
    monkeypatch.setenv("UNLEARN_CHALLENGE", str(tmp_path / "nowhere"))
    assert f"No challenge exists at {tmp_path / 'nowhere'}" in type_words(capsys, "run", str(tmp_path))[2]


@pytest.mark.parametrize(
    "words", [(), ("-h",), ("--help",), ("challenge",), ("challenge", "-h"), ("run", "-h")]
)
def test_help_is_no_error(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, also without any words; the help names no types of Python."""
    code, out, err = type_words(capsys, *words)
    assert (code, err) == (0, "")
    assert "Usage: unlearn" in out
    for foreign in ("<", "list[", "{"):
        assert foreign not in out


def test_the_help_is_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    """Set up, take part, organize, maintain, in this order; every command is in one of them."""
    out = type_words(capsys, "--help")[1]
    places = [out.index(panel) for panel in ("Set up", "Take part", "Organize", "Maintain")]
    assert places == sorted(places)
    assert set(PANELS) == set(cli.command_group().commands) - {*HIDDEN}
    assert "─ Commands" not in out


def test_every_value_has_a_name_in_one_style() -> None:
    """Capitals, choices with bars, or nothing for a flag."""
    for name, command in commands(cli.command_group()):
        for parameter in command.params:
            shown = parameter.metavar
            assert shown is not None, (name, parameter.name)
            if isinstance(parameter, TyperArgument):
                assert shown.rstrip(".").isupper(), (name, shown)
                assert shown.endswith("...") == (parameter.nargs != 1), (name, shown)
            else:
                assert shown.isupper() or "|" in shown or (shown == "" and parameter.is_flag), (name, shown)


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_versions(option: str, tmp_path: Path) -> None:
    """The program's, the image's and those of stored formats; without an engine, why there is no image."""
    done = type_command(option, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert (done.returncode, done.stderr) == (0, "")
    program, image, schemas = done.stdout.splitlines()
    assert program.startswith("unlearn ")
    assert image.startswith("image   none: No container engine answers")
    assert schemas == "schemas challenge 1, summary 1, manifest 4, card 3, report 1, view 1, leaderboard 1"


@pytest.mark.parametrize("option", ["--quiet", "-q"])
def test_quiet_leaves_out_progress_and_notes(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors stay, and every command has the option; it holds for one command only."""
    (tmp_path / "0123456789ab" / "outputs").mkdir(parents=True)
    open_store(tmp_path, create=True).close()
    words = ("list", "--store", str(tmp_path))
    loud, quiet = type_words(capsys, *words), type_words(capsys, *words, option)
    assert "note: " in loud[2]
    assert (quiet[0], quiet[1], quiet[2]) == (0, loud[1], "")
    assert "unlearn: " in type_words(capsys, "show", "x", "--store", str(tmp_path), option)[2]
    assert "note: " in type_words(capsys, *words)[2]
    assert all(
        "--quiet" in {name for parameter in command.params for name in parameter.opts}
        for name, command in commands(cli.command_group())
        if not hasattr(command, "commands")
    )


def test_completion() -> None:
    """Commands, and the options of a command whose module is imported for it."""
    for words, number, answer in (("unlearn ver", 1, "verify"), ("unlearn list --so", 2, "--sort")):
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "_UNLEARN_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(number),
        }
        code = "from runner.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout.split() == [answer], done.stderr


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("r.html", {}, "not .html"),
        ("r.json", {"suffixes": (".txt",)}, "not .json"),
        ("there.txt", {}, "exists already"),
        ("link.txt", {}, "exists already"),
    ],
)
def test_a_file_of_results_is_not_overwritten(
    tmp_path: Path, name: str, options: dict[str, Any], words: str
) -> None:
    """A link that leads nowhere is a file too; what the suffix promises is what is written."""
    (tmp_path / "there.txt").write_text("mine")
    (tmp_path / "link.txt").symlink_to("nowhere")
    with pytest.raises(ConfigurationError, match=words):
        check_output_file(
            tmp_path / name, **{"suffixes": (".txt", ".json", ""), "overwrite": False, **options}
        )
    check_output_file(tmp_path / "there.txt", suffixes=(".txt",), overwrite=True)
    check_output_file(tmp_path / "new", suffixes=(".txt", ""), overwrite=False)
