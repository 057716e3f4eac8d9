"""The command `unlearn doctor`: can this host run sandboxes safely and fairly?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from runner.builder.plan import default_limits
from runner.challenge.load import load_challenge
from runner.cli.console import print_json, stderr_console, stdout_console
from runner.doctor.attacks import attack_findings
from runner.doctor.checks import examine
from runner.doctor.facts import Purpose
from runner.doctor.findings import broken_findings, findings_json
from runner.doctor.gallery import find_runner
from runner.doctor.gather import gather_facts
from runner.doctor.table import show_findings
from runner.engine.api import Engine
from runner.engine.client import connect_engine
from runner.errors import HostNotReadyError
from runner.progress import ConsoleReporter

_WIDE: Final = 120


def doctor_command(
    challenge: Annotated[
        Path | None,
        typer.Option(
            "--challenge",
            "-c",
            readable=False,
            help="Check against the limits of this challenge, not of digits.",
        ),
    ] = None,
    store: Annotated[
        Path,
        typer.Option(
            "--store", readable=False, envvar="UNLEARN_STORE", help="Folder where evaluations are kept."
        ),
    ] = Path("evaluations"),
    runtime: Annotated[
        str | None, typer.Option(help="Container runtime to be used: runc, crun, runsc or another.")
    ] = None,
    attacks: Annotated[
        bool, typer.Option("--attacks/--no-attacks", help="Run a quick selection of the attack gallery.")
    ] = True,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Tell whether this host can run submissions safely and fairly, and what it cannot promise.

    Exit code 3 if something is broken; warnings do not fail.
    """
    limits = load_challenge(challenge).description.limits if challenge else default_limits("digits")
    purpose = Purpose(limits=limits, runtime=runtime)
    engine, problem = _connect()
    facts = gather_facts(engine, problem, store)
    findings = examine(facts, purpose)
    if attacks and engine is not None:
        with ConsoleReporter(stderr_console()) as reporter:
            findings += attack_findings(find_runner(engine, facts, purpose, reporter))
    if as_json_:
        print_json(findings_json(findings))
    else:
        show_findings(findings, stdout_console(_WIDE))
    if wrong := broken_findings(findings):
        names = ", ".join(one.title.lower() for one in wrong)
        raise HostNotReadyError(f"This host is not ready for submissions: {names}.")


def _connect() -> tuple[Engine | None, str]:
    try:
        return connect_engine(), ""
    except HostNotReadyError as error:
        return None, str(error)
