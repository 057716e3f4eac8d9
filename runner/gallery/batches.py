"""Plan the runs of a gallery and pack them into archives: attacks with equal limits share one archive.

Each attack needs its control, the attack itself one or more times, then the probe. A dispatcher at the
top of the archive selects the source by the run's seed. Dozens of attacks thus follow each other in one
worker, as the runs of one submission do. All sources are in one file of the archive, since every run
unpacks the archive, and the host removes what was unpacked.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
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
"""The honest run after an attack that has no probe of its own."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_DISPATCHER: Final = '''"""Call the submission that the run's seed selects."""

import importlib.util
import json
import sys
from pathlib import Path

import torch

TABLE = {table}


def unlearning(net, retain, forget, val):
    here, name = Path(__file__).parent, TABLE[torch.initial_seed()]
    file = here / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.loads((here / "{sources}").read_text())[name])
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location("attack", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["attack"] = module
    spec.loader.exec_module(module)
    return module.unlearning(net, retain, forget, val)
'''
_SOURCES: Final = "sources.json"

_ATTACKS_PER_BATCH: Final = 64
_SLOW_ATTACKS_PER_BATCH: Final = 6
"""Attacks that may last until their time limit mostly wait, so their batches are small and overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run of the gallery."""

    attack: str
    role: Role
    seed: int
    """Index into the dispatcher's table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Runs that may share a worker, in order."""

    limits: Limits
    submission: Submission
    steps: tuple[Step, ...]

    @property
    def has_only_probes(self) -> bool:
        """Return whether all of its runs follow attacks of other batches."""
        return all(step.role == "probe" for step in self.steps)


def plan_batches(attacks: Sequence[Attack], make: Callable[[Attack, Role], Path]) -> list[Batch]:
    """Return all runs, without the attacks that the host must refuse.

    Args:
        attacks: The attacks, in the order of their runs.
        make: Writes the file of an attack of kind host, and returns its path.
    """
    runnable = [attack for attack in attacks if attack.description.refusal is None]
    shared: dict[tuple[Limits, str], list[tuple[Attack, tuple[Role, ...]]]] = {}
    separate: list[Batch] = []
    probes: list[tuple[Attack, tuple[Role, ...]]] = []
    for attack in runnable:
        description = attack.description
        if description.own_archive or description.kind == "host":
            separate += _separate_batches(attack, make)
            probes.append((attack, ("probe",)))
        else:
            attack_roles: list[Role] = ["attack" for _ in range(description.times)]
            roles: tuple[Role, ...] = ("control", *attack_roles, "probe")
            key = (description.all_limits(), attack.name if description.own_worker else "")
            shared.setdefault(key, []).append((attack, roles))
    batches = [
        _shared_batch(limits, part) for (limits, _name), members in shared.items() for part in _parts(members)
    ]
    return batches + separate + [_shared_batch(HONEST_LIMITS, part) for part in _parts(probes)]


def _parts(
    members: Sequence[tuple[Attack, tuple[Role, ...]]],
) -> Iterator[Sequence[tuple[Attack, tuple[Role, ...]]]]:
    """Divide attacks with equal limits into the members of batches."""
    slow = any(attack.description.may_reach_time_limit() for attack, roles in members if "attack" in roles)
    size = _SLOW_ATTACKS_PER_BATCH if slow else _ATTACKS_PER_BATCH
    for first in range(0, len(members), size):
        yield members[first : first + size]


def plan_phases(planned: Sequence[Batch], isolation: Isolation) -> list[list[list[Batch]]]:
    """Return the phases, each a list of jobs that may run concurrently; the batches of a job run in order.

    With a container for each run, a job is all runs of one attack. Otherwise a job is one batch. Batches
    that have only probes form the second phase, since they follow attacks with their own archives.
    """
    if isolation == "container":
        return [_jobs_by_attack(planned)]
    attacks = [[batch] for batch in planned if not batch.has_only_probes]
    return [attacks, [[batch] for batch in planned if batch.has_only_probes]]


def _jobs_by_attack(planned: Sequence[Batch]) -> list[list[Batch]]:
    """Return a job for each attack, with a batch for each of its runs, in order."""
    attacks: dict[str, list[Batch]] = {}
    for batch in planned:
        for step in batch.steps:
            attacks.setdefault(step.attack, []).append(replace(batch, steps=(step,)))
    return list(attacks.values())


def _separate_batches(attack: Attack, make: Callable[[Attack, Role], Path]) -> list[Batch]:
    """Return control and attack, each with its own archive."""
    separate: list[Batch] = []
    description = attack.description
    runs: list[tuple[Role, int]] = [("control", 1), ("attack", description.times)]
    for role, times in runs:
        if description.kind == "host":
            archive = load_submission(make(attack, role))
        else:
            archive = _archive({"submission.py": _source(attack, role).read_bytes()})
        limits = description.control_limits() if role == "control" else description.all_limits()
        steps = tuple(Step(attack=attack.name, role=role, seed=seed) for seed in range(times))
        separate.append(Batch(limits=limits, submission=archive, steps=steps))
    return separate


def _shared_batch(limits: Limits, members: Sequence[tuple[Attack, tuple[Role, ...]]]) -> Batch:
    """Return one batch of several attacks, with the dispatcher as its ``submission.py``."""
    sources: dict[str, str] = {"probe.py": PROBE.read_bytes().decode()}
    table: list[str] = []
    steps: list[Step] = []
    for attack, roles in members:
        for role in dict.fromkeys(roles):
            source = _source(attack, role)
            if source == PROBE:
                table.append("probe.py")
            else:
                table.append(f"{attack.name}/{source.name}")
                sources[table[-1]] = source.read_bytes().decode()
            seed = len(table) - 1
            steps += [Step(attack=attack.name, role=role, seed=seed)] * roles.count(role)
    dispatcher = _DISPATCHER.replace("{table}", repr(table)).replace("{sources}", _SOURCES)
    files = {"submission.py": dispatcher.encode(), _SOURCES: json.dumps(sources).encode()}
    return Batch(limits=limits, submission=_archive(files), steps=tuple(steps))


def _source(attack: Attack, role: Role) -> Path:
    return {"control": attack.control, "attack": attack.source, "probe": attack.probe or PROBE}[role]


def _archive(files: dict[str, bytes]) -> Submission:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    content = buffer.getvalue()
    return Submission(name="gallery", sha256=hashlib.sha256(content).hexdigest(), archive=content)
