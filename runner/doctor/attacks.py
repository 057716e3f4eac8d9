"""Do a few of the gallery's attacks hold on this very host? Said from what a runner of attacks returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from runner.doctor.findings import Finding, Status
from runner.errors import RunnerError


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackResult:
    """How one attack ended on this host."""

    name: str
    title: str
    held: bool
    """Whether it was contained and the next run was fine."""
    said: str
    """Its verdict, and what was wrong if it was not contained."""
    known_hole: str = ""
    """Why it is known to succeed, if it is."""
    may_be_others: bool = False
    """Whether other work on the host could have looked the same."""


AttackRunner = Callable[[Sequence[str]], Sequence[AttackResult]]
"""Takes the names of attacks, returns how each ended."""

Reason = str
"""Why no attack can be run."""

QUICK: Final = (
    "ignores_signals",
    "memory_bomb",
    "fork_bomb",
    "daemon",
    "state_in_files",
    "state_in_system_v",
    "network_by_address",
    "read_environments",
    "read_other_memory",
    "write_proc_and_sys",
    "forged_frames",
    "pickle_as_checkpoint",
)
"""The attacks that doctor runs: what depends on the host more than on our code, and quick."""

_TITLE: Final = "Attack gallery"


def attack_findings(runner: AttackRunner | Reason, names: Sequence[str] = QUICK) -> list[Finding]:
    """Run attacks and return a finding for each; or one that says why that cannot be done here."""
    try:
        results = runner(names) if callable(runner) else runner
    except RunnerError as error:
        results = str(error)
    if isinstance(results, str):
        return [Finding(id="attacks", title=_TITLE, status=Status.BROKEN, found="not run", advice=results)]
    return [_finding(one) for one in results]


def _finding(result: AttackResult) -> Finding:
    name, title = f"attack/{result.name}", f"Attack: {result.title}"
    if result.known_hole:
        return Finding(
            id=name,
            title=title,
            status=Status.WARNING,
            found=result.said,
            advice=f"Known and open: {result.known_hole}",
            lost=f"that this attack is contained: {result.title}",
        )
    if result.held:
        return Finding(id=name, title=title, status=Status.OK, found=result.said)
    if result.may_be_others:
        return Finding(
            id=name,
            title=title,
            status=Status.WARNING,
            found=result.said,
            advice="Other work on a host can look like this; run it again while the host is quiet.",
        )
    return Finding(
        id=name,
        title=title,
        status=Status.BROKEN,
        found=result.said,
        advice="It was not contained here. Run no stranger's code on this host before you know why.",
        lost=f"that this attack is contained: {result.title}",
    )
