"""Which runs a gallery needs, and in which archives: attacks with equal limits share one.

For each attack: its control, the attack as often as it wants, then the probe. A dispatcher on
top of the archive finds by the run's seed whose turn it is, so that dozens of attacks follow
each other in one worker, as runs of one submission do.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from runner.challenge.limits import Limits
from runner.checkout import ROOT
from runner.engine.placement import Isolation
from runner.gallery.attacks import HONEST_LIMITS, Attack
from runner.submission.load import Submission, load_submission

Role = Literal["control", "attack", "probe"]

PROBE: Final = ROOT / "sample_submissions" / "hostile" / "probe.py"
"""The honest run that follows an attack without a probe of its own."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_DISPATCHER: Final = '''"""Calls the submission whose turn it is: the run's seed is its place in the table."""

import importlib.util
import sys
from pathlib import Path

import torch

TABLE = {table}


def unlearning(net, retain, forget, val):
    file = Path(__file__).parent / TABLE[torch.initial_seed()]
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location("attack", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["attack"] = module
    spec.loader.exec_module(module)
    return module.unlearning(net, retain, forget, val)
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run of the gallery."""

    attack: str
    role: Role
    seed: int
    """Place in the dispatcher's table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Runs that may share a worker, in their order."""

    limits: Limits
    submission: Submission
    steps: tuple[Step, ...]


def batches(attacks: Sequence[Attack], make: Callable[[Attack, Role], Path]) -> list[Batch]:
    """Return everything that is to be run; what is refused on the host is not.

    Args:
        attacks: The attacks, in the order in which they are to be run.
        make: Gives the file that an attack of kind host has made.
    """
    runnable = [attack for attack in attacks if attack.description.refusal is None]
    packed: dict[tuple[Limits, str], list[tuple[Attack, tuple[Role, ...]]]] = {}
    own: list[Batch] = []
    for attack in runnable:
        if attack.description.alone or attack.description.kind == "host":
            own += _alone(attack, make)
            packed.setdefault((HONEST_LIMITS, ""), []).append((attack, ("probe",)))
        else:
            attacked: list[Role] = ["attack" for _ in range(attack.description.times)]
            roles: tuple[Role, ...] = ("control", *attacked, "probe")
            place = (attack.description.all_limits(), attack.name if attack.description.apart else "")
            packed.setdefault(place, []).append((attack, roles))
    return own + [_packed(limits, members) for (limits, _name), members in packed.items()]


def phases(planned: Sequence[Batch], isolation: Isolation) -> list[list[list[Batch]]]:
    """Return what may go on side by side, phase after phase: jobs, each of batches that follow each other.

    With a container for each run, those of one attack are one job. Otherwise each batch is one; those
    with probes come later, since an attack that is alone has its probe in another batch.
    """
    if isolation == "container":
        return [_one_by_one(planned)]
    with_probes = [batch for batch in planned if any(step.role == "probe" for step in batch.steps)]
    return [[[batch] for batch in planned if batch not in with_probes], [[batch] for batch in with_probes]]


def _one_by_one(planned: Sequence[Batch]) -> list[list[Batch]]:
    """Return a batch for each run, those of one attack together and in their order."""
    attacks: dict[str, list[Batch]] = {}
    for batch in planned:
        for step in batch.steps:
            attacks.setdefault(step.attack, []).append(replace(batch, steps=(step,)))
    return list(attacks.values())


def _alone(attack: Attack, make: Callable[[Attack, Role], Path]) -> list[Batch]:
    """Return control and attack, each in an archive of its own."""
    found: list[Batch] = []
    wanted: list[tuple[Role, int]] = [("control", 1), ("attack", attack.description.times)]
    for role, times in wanted:
        if attack.description.kind == "host":
            archive = load_submission(make(attack, role))
        else:
            archive = _archive({"submission.py": _source(attack, role).read_bytes()})
        said = attack.description
        limits = said.controls_limits() if role == "control" else said.all_limits()
        steps = tuple(Step(attack=attack.name, role=role, seed=seed) for seed in range(times))
        found.append(Batch(limits=limits, submission=archive, steps=steps))
    return found


def _packed(limits: Limits, members: Sequence[tuple[Attack, tuple[Role, ...]]]) -> Batch:
    files: dict[str, bytes] = {"probe.py": PROBE.read_bytes()}
    table: list[str] = []
    steps: list[Step] = []
    for attack, roles in members:
        for role in dict.fromkeys(roles):
            source = _source(attack, role)
            if source == PROBE:
                table.append("probe.py")
            else:
                table.append(f"{attack.name}/{source.name}")
                files[table[-1]] = source.read_bytes()
            seed = len(table) - 1
            steps += [Step(attack=attack.name, role=role, seed=seed)] * roles.count(role)
    files["submission.py"] = _DISPATCHER.replace("{table}", repr(table)).encode()
    return Batch(limits=limits, submission=_archive(files), steps=tuple(steps))


def _source(attack: Attack, role: Role) -> Path:
    return {"control": attack.control, "attack": attack.source, "probe": attack.probe or PROBE}[role]


def _archive(files: dict[str, bytes]) -> Submission:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    data = packed.getvalue()
    return Submission(name="gallery", sha256=hashlib.sha256(data).hexdigest(), archive=data)
