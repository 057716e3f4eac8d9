"""`unlearn verify`: whether an evaluation still is what its manifest says, and can be repeated."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from runner import challenge as challenges
from runner import evaluation, image, verification
from runner.capacity import require_memory
from runner.challenge import Challenge
from runner.cli_options import DEFAULT_STORE, MovedChallengeOption, StoreOption
from runner.description import DESCRIPTION
from runner.devices import hold
from runner.engine import Engine
from runner.errors import ConfigurationError, HostNotReadyError
from runner.manifest import Manifest
from runner.paths import archive_of
from runner.placement import CPU, place
from runner.progress import ConsoleReporter
from runner.session import session
from runner.settings import Bench, Settings
from runner.store import Store
from runner.submission import Submission
from runner.text import harmless_line
from runner.verdict import Verdict


def verify_command(
    name: Annotated[str, typer.Argument(metavar="EVALUATION", help="By the beginning of its name.")],
    store: StoreOption = DEFAULT_STORE,
    challenge: MovedChallengeOption = None,
    rerun: Annotated[
        int, typer.Option(metavar="K", help="Do K of its runs again and compare the checkpoints.", min=0)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Compute every hash and the score of an evaluation again, and say what does not match.

    Exit code 0: all of it matches; 1: something does not.
    """
    kept = Store.in_folder(store, create=False)
    found = kept.find(name)
    if kept.summary(found) is None:
        raise ConfigurationError(f"Evaluation {found} has not ended; repeat the command that began it.")
    problem = _challenge(challenge or kept.challenge_folder(found), found)
    done = verification.verify(kept, store, found, problem)
    mismatches, indices = list(done.mismatches), list[int]()
    if rerun:
        if done.manifest is None or isinstance(problem, str):
            mismatches.append("no run was done again: the manifest or the challenge cannot be used")
        else:
            fine = [
                run.index for run in done.manifest.runs if run.verdict is Verdict.OK and run.outputs_sha256
            ]
            indices = verification.spread(fine, rerun)
            mismatches += _do_again(store, done.manifest, problem, indices)
    _show(found, done.checked, indices, mismatches, as_json=as_json)
    if mismatches:
        raise typer.Exit(1)


def _challenge(folder: Path | None, found: str) -> Challenge | str:
    """Return the challenge, or the sentence that says what is wrong with it."""
    if folder is None or not (folder / DESCRIPTION).is_file():
        raise ConfigurationError(
            f"The challenge of evaluation {found} is not to be found; name it with --challenge."
        )
    try:
        return challenges.load(folder)
    except ConfigurationError as error:
        return str(error)


def _do_again(store: Path, manifest: Manifest, problem: Challenge, indices: list[int]) -> list[str]:
    if not indices:
        return []
    try:
        archive = archive_of(store, manifest.submission.sha256).read_bytes()
    except OSError as error:
        return [f"no run was done again: the submission cannot be read: {error.strerror}"]
    if hashlib.sha256(archive).hexdigest() != manifest.submission.sha256:
        return ["no run was done again: the submission's archive is not the one that was evaluated"]
    mine = Submission(name=manifest.submission.name, sha256=manifest.submission.sha256, archive=archive)
    engine = Engine()
    info = engine.info()
    require_memory(problem.description.limits, info)
    made = image.require(engine)
    if made.digest != manifest.image.inputs:
        raise HostNotReadyError(
            f"The evaluation was done in image {manifest.image.inputs[:16]}, and here is {made.digest[:16]}; "
            "do runs again with the version of unlearn that it was done with."
        )
    told = manifest.settings
    settings = Settings(
        n=manifest.n,
        keep_going=True,
        keep_checkpoints=False,
        isolation="container" if told.get("isolation") == "container" else "process",
        device=str(told.get("device", CPU)),
        placement=place(
            runtime=str(told.get("runtime", "")),
            device=str(told.get("device", CPU)),
            wanted_device=problem.description.device,
            engine_info=info,
        ),
    )
    with (
        hold(settings.device),
        tempfile.TemporaryDirectory(prefix="unlearn-verify-") as folder,
        ConsoleReporter(Console(stderr=True, highlight=False)) as reporter,
        session(engine) as labels,
    ):
        bench = Bench(
            engine=engine,
            image=made,
            store=Store.in_folder(Path(folder), create=True),
            folder=Path(folder),
            labels=labels,
            reporter=reporter,
        )
        again = evaluation.do_again(bench, mine, problem, settings, indices)
        bench.store.close()
    return verification.compare_rerun({run.index: run for run in manifest.records()}, again, indices)


def _show(
    found: str, checked: dict[str, int], indices: list[int], mismatches: list[str], *, as_json: bool
) -> None:
    if as_json:
        shown: dict[str, Any] = {
            "evaluation": found,
            "matches": not mismatches,
            "checked": checked,
            "rerun": indices,
            "mismatches": mismatches,
        }
        sys.stdout.write(json.dumps(shown) + "\n")
        return
    out = Console(highlight=False)
    for line in mismatches:
        out.print(harmless_line(line, 1000), markup=False, soft_wrap=True, style="red")
    counts = ", ".join(f"{count} {kind}" for kind, count in checked.items())
    again = f"; runs done again: {', '.join(map(str, indices))}" if indices else ""
    verdict = f"{len(mismatches)} do not match" if mismatches else "all of it matches"
    out.print(f"{found}: {verdict} (hashed: {counts}{again})", markup=False, soft_wrap=True)
