"""`unlearn verify`: whether an evaluation still is what its manifest says, and can be repeated."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.challenge.challenge import Challenge
from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.load import load_challenge
from runner.cli.console import print_json, stderr_console, stdout_console
from runner.cli.options import DEFAULT_STORE, MovedChallengeOption, StoreOption
from runner.engine.capacity import require_memory
from runner.engine.client import Engine
from runner.engine.gpu_lock import gpu_lock
from runner.engine.placement import CPU, resolve_placement
from runner.engine.session import container_session
from runner.errors import ConfigurationError, HostNotReadyError
from runner.evaluation.evaluate import rerun
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.image.image import require_image
from runner.progress import ConsoleReporter
from runner.results.manifest import Manifest
from runner.results.verification import compare_rerun, evenly_spaced, verify_evaluation
from runner.sanitize import sanitize_line
from runner.store.archives import archive_path
from runner.store.store import Store
from runner.submission.load import Submission
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
    done = verify_evaluation(kept, store, found, problem)
    mismatches, indices = list(done.mismatches), list[int]()
    if rerun:
        if done.manifest is None or isinstance(problem, str):
            mismatches.append("no run was done again: the manifest or the challenge cannot be used")
        else:
            fine = [
                run.index for run in done.manifest.runs if run.verdict is Verdict.OK and run.outputs_sha256
            ]
            indices = evenly_spaced(fine, rerun)
            mismatches += _do_again(store, done.manifest, problem, indices)
    _show(found, done.checked, indices, mismatches, as_json=as_json)
    if mismatches:
        raise typer.Exit(1)


def _challenge(folder: Path | None, found: str) -> Challenge | str:
    """Return the challenge, or the sentence that says what is wrong with it."""
    if folder is None or not (folder / DESCRIPTION_FILE).is_file():
        raise ConfigurationError(
            f"The challenge of evaluation {found} is not to be found; name it with --challenge."
        )
    try:
        return load_challenge(folder)
    except ConfigurationError as error:
        return str(error)


def _do_again(store: Path, manifest: Manifest, problem: Challenge, indices: list[int]) -> list[str]:
    if not indices:
        return []
    try:
        archive = archive_path(store, manifest.submission.sha256).read_bytes()
    except OSError as error:
        return [f"no run was done again: the submission cannot be read: {error.strerror}"]
    if hashlib.sha256(archive).hexdigest() != manifest.submission.sha256:
        return ["no run was done again: the submission's archive is not the one that was evaluated"]
    mine = Submission(name=manifest.submission.name, sha256=manifest.submission.sha256, archive=archive)
    engine = Engine()
    info = engine.info()
    require_memory(problem.description.limits, info)
    made = require_image(engine)
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
        placement=resolve_placement(
            runtime=str(told.get("runtime", "")),
            device=str(told.get("device", CPU)),
            wanted_device=problem.description.device,
            engine_info=info,
        ),
    )
    with (
        gpu_lock(settings.device),
        tempfile.TemporaryDirectory(prefix="unlearn-verify-") as folder,
        ConsoleReporter(stderr_console()) as reporter,
        container_session(engine) as labels,
    ):
        bench = EvaluationContext(
            engine=engine,
            image=made,
            store=Store.in_folder(Path(folder), create=True),
            folder=Path(folder),
            labels=labels,
            reporter=reporter,
        )
        again = rerun(bench, mine, problem, settings, indices)
        bench.store.close()
    return compare_rerun({run.index: run for run in manifest.records()}, again, indices)


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
        print_json(shown)
        return
    out = stdout_console()
    for line in mismatches:
        out.print(sanitize_line(line, 1000), markup=False, soft_wrap=True, style="red")
    counts = ", ".join(f"{count} {kind}" for kind, count in checked.items())
    again = f"; runs done again: {', '.join(map(str, indices))}" if indices else ""
    verdict = f"{len(mismatches)} do not match" if mismatches else "all of it matches"
    out.print(f"{found}: {verdict} (hashed: {counts}{again})", markup=False, soft_wrap=True)
