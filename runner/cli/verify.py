"""`unlearn verify`: check an evaluation against its manifest, and execute some of its runs again."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.challenge.challenge import Challenge
from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.load import load_challenge
from runner.cli.console import print_json, print_note, stderr_console, stdout_console
from runner.cli.options import DEFAULT_STORE, EvaluationArgument, MovedChallengeOption, StoreOption
from runner.engine.placement import CPU
from runner.errors import ConfigurationError, HostNotReadyError
from runner.evaluation.evaluate import rerun
from runner.execution.gpu_driver import RECORDED, change_of_driver, installed_driver
from runner.execution.host_session import host_session
from runner.execution.settings import Settings
from runner.files import read_stored_file
from runner.progress import ConsoleReporter
from runner.results.continuing import how_to_continue
from runner.results.manifest import Manifest
from runner.results.reruns import are_close, compare_rerun, evenly_spaced
from runner.results.scoring import read_outputs
from runner.results.verification import verify_evaluation
from runner.sanitize import sanitize_line
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths, archive_path
from runner.submission.limits import MAX_SUBMISSION_BYTES
from runner.submission.load import Submission
from runner.verdict import Verdict


def verify_command(
    name: EvaluationArgument,
    store: StoreOption = DEFAULT_STORE,
    challenge: MovedChallengeOption = None,
    rerun: Annotated[
        int, typer.Option(metavar="K", help="Execute K of its runs again and compare the checkpoints.", min=0)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Compute every hash and the score of an evaluation again, and report what does not match.

    Exit code 0 if everything matches, 1 if something does not.
    """
    opened = open_store(store, create=False)
    stored = opened.evaluation(opened.find(name))
    if stored.summary is None:
        how = how_to_continue(stored, opened.entries_of(stored.id), store)
        raise ConfigurationError(f"Evaluation {stored.id} has not ended; {how}")
    loaded_challenge = _challenge(challenge or stored.challenge_folder, stored.id)
    verification = verify_evaluation(opened, store, stored.id, loaded_challenge)
    mismatches, indices = list(verification.mismatches), list[int]()
    if rerun:
        manifest = verification.manifest
        if manifest is not None and manifest.rescored is not None:
            raise ConfigurationError(
                f"Evaluation {stored.id} has the runs of {manifest.rescored.evaluation}, scored again; "
                "execute runs of that one."
            )
        if manifest is None or isinstance(loaded_challenge, str):
            mismatches.append("no run was executed again: the manifest or the challenge cannot be used")
        else:
            successful = [
                run.index for run in manifest.runs if run.verdict is Verdict.OK and run.outputs_sha256
            ]
            indices = evenly_spaced(successful, rerun)
            mismatches += _rerun(store, manifest, loaded_challenge, indices)
    if opened.writable and not isinstance(loaded_challenge, str):
        opened.record_verification(
            stored.id, stored.manifest_sha256, reruns=len(indices), mismatches=len(mismatches)
        )
    _show(stored.id, verification.checked, indices, mismatches, as_json=as_json)
    if mismatches:
        raise typer.Exit(1)


def _challenge(folder: Path | None, evaluation: str) -> Challenge | str:
    """Return the challenge, or the reason why it cannot be used."""
    if folder is None or not (folder / DESCRIPTION_FILE).is_file():
        raise ConfigurationError(
            f"The challenge of evaluation {evaluation} is not at its recorded path; "
            "name its folder with --challenge."
        )
    try:
        return load_challenge(folder)
    except ConfigurationError as error:
        return str(error)


def _rerun(store: Path, manifest: Manifest, challenge: Challenge, indices: list[int]) -> list[str]:
    """Execute runs again, in the image of the evaluation, and return what differs."""
    if not indices:
        return []
    try:
        archive = read_stored_file(
            archive_path(store, manifest.submission.sha256), max_bytes=MAX_SUBMISSION_BYTES
        )
    except OSError as error:
        return [f"no run was executed again: the submission cannot be read: {error.strerror}"]
    if hashlib.sha256(archive).hexdigest() != manifest.submission.sha256:
        return ["no run was executed again: the submission's archive is not the one that was evaluated"]
    submission = Submission(name=manifest.submission.name, sha256=manifest.submission.sha256, archive=archive)
    requested = manifest.settings
    device = str(requested.get("device", CPU))
    if device != CPU and (note := change_of_driver(manifest.versions.get(RECORDED, ""), installed_driver())):
        print_note(note)
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-verify-") as folder,
        host_session(
            ConsoleReporter(stderr_console()),
            limits=challenge.description.limits,
            runtime=str(requested.get("runtime", "")),
            device=device,
            required_device=challenge.description.device,
            image=manifest.image.inputs,
        ) as host,
    ):
        settings = Settings(
            n=manifest.n,
            keep_going=True,
            keep_checkpoints=False,
            isolation="container" if requested.get("isolation") == "container" else "process",
            device=host.device,
            placement=host.placement,
        )
        context = host.evaluation_context(open_store(Path(folder), create=True), Path(folder))
        again = rerun(context, submission, challenge, settings, indices)
        context.store.close()

        def outputs_are_close(index: int) -> bool:
            if device == CPU:
                return False
            files = [EvaluationPaths(folder=place / manifest.evaluation) for place in (store, Path(folder))]
            try:
                first, second = (read_outputs(challenge, paths.outputs(index)) for paths in files)
            except HostNotReadyError:  # a file that is missing or damaged is a mismatch of its own
                return False
            return are_close(first, second)

        recorded = {run.index: run for run in manifest.runs}
        return compare_rerun(recorded, again, indices, outputs_are_close=outputs_are_close)


def _show(
    evaluation: str, checked: dict[str, int], indices: list[int], mismatches: list[str], *, as_json: bool
) -> None:
    if as_json:
        result: dict[str, Any] = {
            "evaluation": evaluation,
            "matches": not mismatches,
            "checked": checked,
            "rerun": indices,
            "mismatches": mismatches,
        }
        print_json(result)
        return
    out = stdout_console()
    for line in mismatches:
        out.print(sanitize_line(line, 1000), markup=False, soft_wrap=True, style="red")
    counts = ", ".join(f"{count} {kind}" for kind, count in checked.items())
    again = f"; runs executed again: {', '.join(map(str, indices))}" if indices else ""
    verdict = f"{len(mismatches)} do not match" if mismatches else "all of it matches"
    out.print(f"{evaluation}: {verdict} (hashed: {counts}{again})", markup=False, soft_wrap=True)
