"""The command `unlearn doctor`: check whether this host can run submissions safely and fairly."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from runner.builder.plan import default_limits
from runner.challenge.load import load_challenge
from runner.cli.console import print_json, stderr_console, stdout_console
from runner.cli.options import DEFAULT_STORE, DeviceOption, JsonOption, RuntimeOption, StoreOption
from runner.doctor.attacks import attack_findings, kernel_memory_findings
from runner.doctor.capacity import is_busy
from runner.doctor.checks import examine
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import broken_findings, findings_json
from runner.doctor.gallery import measure_quickly, run_quick_attacks
from runner.doctor.gather import gather_facts
from runner.doctor.gpu import examine_gpu
from runner.doctor.gpu_facts import gather_gpu
from runner.doctor.gpu_rules import rules_finding, try_on_host
from runner.doctor.table import show_findings
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.gpus.gpu_parent import gpu_by_number
from runner.engine.placement import CPU, device_by_uuid, gpu_name
from runner.errors import HostNotReadyError, RunnerError
from runner.progress import ConsoleReporter
from runner.store.databases.address import read_address


def doctor_command(
    challenge: Annotated[
        Path | None,
        typer.Option(
            "--challenge",
            "-c",
            metavar="DIR",
            readable=False,
            help="Challenge whose limits are checked; those of digits by default.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    runtime: RuntimeOption = "",
    device: DeviceOption = CPU,
    attacks: Annotated[
        bool, typer.Option("--attacks/--no-attacks", help="Run a quick selection of the attack gallery.")
    ] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show all checks, not only warnings and what is broken.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check whether this host can run submissions safely and fairly, and list missing guarantees.

    The first line is the verdict. Exit code 3 if a check is broken; warnings do not change the exit code.
    With --device a GPU is checked as well, and whether it works under the rules of a run; attacks run on the
    CPU.
    """
    gpu = _gpu_uuid(device) if device != CPU else ""
    limits = load_challenge(challenge).description.limits if challenge else default_limits("digits")
    purpose = Purpose(limits=limits, runtime=runtime or None)
    engine, problem = _connect()
    facts = _with_database(gather_facts(engine, problem, store), store)
    findings = examine(facts, purpose)
    if device != CPU:
        findings += examine_gpu(gather_gpu(gpu))
    if attacks and engine is not None:
        with ConsoleReporter(stderr_console()) as reporter:
            if device != CPU:
                findings.append(rules_finding(partial(try_on_host, device, reporter, runtime=runtime)))
            run_attacks = partial(run_quick_attacks, facts, purpose, reporter)
            findings += attack_findings(run_attacks, is_busy=lambda: is_busy(facts, purpose))
            findings += kernel_memory_findings(partial(measure_quickly, facts, purpose, reporter))
    if as_json:
        print_json(findings_json(findings))
    else:
        show_findings(findings, stdout_console(), verbose=verbose)
    if broken := broken_findings(findings):
        names = ", ".join(finding.title.lower() for finding in broken)
        raise HostNotReadyError(f"This host is not ready for submissions: {names}.")


def _with_database(facts: Facts, store: Path) -> Facts:
    """Return the facts with the PostgreSQL database of the store, or why it cannot be used."""
    if read_address(store) is None:
        return facts
    from runner.store.open_store import open_store  # noqa: PLC0415 - imports SQLAlchemy

    try:
        with closing(open_store(store, create=False)) as opened:
            return replace(facts, store=f"{facts.store}, with rows in {opened.database.description},")
    except RunnerError as error:
        return replace(facts, store_problem=facts.store_problem or str(error).removesuffix("."))


def _gpu_uuid(device: str) -> str:
    """Return the UUID of a GPU, or ``all``; the number as it was typed if nothing lists it.

    Raises:
        ConfigurationError: the device has another form.
    """
    try:
        return gpu_name(device_by_uuid(device, gpu_by_number))
    except HostNotReadyError:
        return device


def _connect() -> tuple[Engine | None, str]:
    """Return the engine, or None and the reason why none answers."""
    try:
        return connect_engine(), ""
    except HostNotReadyError as error:
        return None, str(error)
