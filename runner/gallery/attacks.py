"""What an attack of the gallery is: a folder with the attack, its control and how it must end.

submission.py   the attack, as a complete submission
control.py      the same thing within its rights; must end ``ok``
probe.py        optional: the run right after the attack; must end ``ok``
make.py         instead of submission.py where kind = "host": makes the evil file on the host
attack.toml     which threat it is, and how it must end
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from runner.challenge.limits import Limits
from runner.checkout import ROOT
from runner.engine.placement import Isolation
from runner.errors import ConfigurationError
from runner.units import MIB
from runner.validation import first_problem
from runner.verdict import Verdict

HOSTILE: Final = ROOT / "sample_submissions" / "hostile"
ATTACK_FILE: Final = "attack.toml"
PODMAN: Final = "podman"
"""Stands in a runtime's place, since what differs there is the engine's doing."""

GALLERY_LIMITS: Final = Limits(
    wall_seconds=4.0,
    memory_bytes=1024 * MIB,
    processes=64,
    cpus=2.0,
    concurrency=1,
    shared_memory_bytes=64 * MIB,
    scratch_bytes=64 * MIB,
    scratch_inodes=2000,
    log_bytes=64 << 10,
)
"""Small, so that reaching one takes little time; attacks with equal limits share a worker."""
HONEST_LIMITS: Final = GALLERY_LIMITS.with_changes(wall_seconds=15.0)
"""On a busy machine an honest run, or an attack that is refused at once, may take long."""


def _checked(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"it is no pattern ({error})") from error
    return value


Pattern = Annotated[str, AfterValidator(_checked)]


class ExpectedEnding(BaseModel):
    """How an attack must end; None leaves what was said before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdicts: Annotated[tuple[Verdict, ...] | None, Field(min_length=1)] = None
    """Any of these is the truthful ending; ``ok`` means: tried and refused."""

    says: Pattern | None = None
    """A pattern to be found in the verdict's detail or in what the run printed."""

    open: Annotated[str | None, Field(min_length=1)] = None
    """Why this hole is known and open. That it turns out closed is an error too, if it is not unsteady."""


class RuntimeEnding(ExpectedEnding):
    """How it must end under one runtime, and there in one isolation: ``[runsc.process]``."""

    process: ExpectedEnding = ExpectedEnding()
    container: ExpectedEnding = ExpectedEnding()


class AttackSpec(ExpectedEnding):
    """What ``attack.toml`` holds."""

    threat: Annotated[int, Field(ge=1, le=23)]
    """Row of the threat model."""

    title: Annotated[str, Field(min_length=1)]
    kind: Literal["submission", "host"] = "submission"
    refusal: Pattern | None = None
    """Of kind host: a pattern that the refusal must match. Without it, it is run."""

    times: Annotated[int, Field(ge=1, le=16)] = 1
    limits: dict[str, Any] = {}
    """Limits that differ from `GALLERY_LIMITS`."""

    alone: bool = False
    """Whether it needs an archive of its own: what happens at import, or instead of one."""

    apart: bool = False
    """Whether its runs share a worker with no other attack's: where what it leaves open would harm theirs."""

    unsteady: bool = False
    """Whether a hole that is open shows on a quiet host alone: that it did not show proves nothing."""

    isolations: tuple[Isolation, ...] = ("process", "container")
    runc: RuntimeEnding = RuntimeEnding()
    crun: RuntimeEnding = RuntimeEnding()
    runsc: RuntimeEnding = RuntimeEnding()
    podman: RuntimeEnding = RuntimeEnding()
    """With that engine, in place of what is said of the runtime under it."""
    process: ExpectedEnding = ExpectedEnding()
    container: ExpectedEnding = ExpectedEnding()

    @model_validator(mode="after")
    def _an_ending_is_named(self) -> Self:
        if self.refusal is not None and self.kind != "host":
            raise ValueError("only attacks of kind host can be refused on the host")
        if (self.verdicts is None) == (self.refusal is None):
            raise ValueError("say how it must end: either verdicts or a refusal")
        self.all_limits()
        return self

    def all_limits(self) -> Limits:
        """Return the limits that its runs get: the time of those that are not to reach its limit is ample."""
        if self._may_take_all_time():
            return Limits.model_validate({**GALLERY_LIMITS.model_dump(), **self.limits})
        return self.controls_limits()

    def controls_limits(self) -> Limits:
        """Return the limits of a control that has a worker of its own: its time is ample."""
        return Limits.model_validate({**HONEST_LIMITS.model_dump(), **self.limits})

    def _may_take_all_time(self) -> bool:
        """Return whether anywhere a truthful ending is that the time is over."""
        runtimes = (self.runc, self.crun, self.runsc, self.podman)
        inner = (part for one in runtimes for part in (one, one.process, one.container))
        endings: tuple[ExpectedEnding, ...] = (self, self.process, self.container, *inner)
        return any(Verdict.TIME_LIMIT in (ending.verdicts or ()) for ending in endings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """How an attack must end under one runtime and isolation."""

    verdicts: tuple[Verdict, ...]
    says: str | None
    open: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One folder of the gallery."""

    name: str
    folder: Path
    description: AttackSpec

    @property
    def source(self) -> Path:
        """Return the attack itself."""
        return self.folder / ("make.py" if self.description.kind == "host" else "submission.py")

    @property
    def control(self) -> Path:
        """Return the same thing within its rights; of kind host, ``make.py`` makes it."""
        return self.folder / ("make.py" if self.description.kind == "host" else "control.py")

    @property
    def probe(self) -> Path | None:
        """Return the run that follows it, if it has one of its own."""
        own = self.folder / "probe.py"
        return own if own.is_file() else None

    def expectation(self, runtime: str, isolation: Isolation) -> Expectation:
        """Return how it must end there; what is said of the fewest cases counts.

        ``runtime``: or `PODMAN`.
        """
        said = self.description
        podman = said.podman if said.podman != RuntimeEnding() else said.runc
        by_runtime = {"runc": said.runc, "crun": said.crun, "runsc": said.runsc, PODMAN: podman}
        under = by_runtime.get(runtime, RuntimeEnding())
        in_both = under.process if isolation == "process" else under.container
        in_isolation = said.process if isolation == "process" else said.container
        layers: tuple[ExpectedEnding, ...] = (in_both, in_isolation, under, said)
        return Expectation(
            verdicts=next((layer.verdicts for layer in layers if layer.verdicts is not None), ()),
            says=next((layer.says for layer in layers if layer.says is not None), None),
            open=next((layer.open for layer in layers if layer.open is not None), None),
        )


def load_attack(folder: Path) -> Attack:
    """Read one attack.

    Raises:
        ConfigurationError: it is not whole, or its description has a mistake.
    """
    file = folder / ATTACK_FILE
    try:
        description = AttackSpec.model_validate(tomllib.loads(file.read_text()))
    except OSError as error:
        raise ConfigurationError(f"The attack cannot be read: {error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not TOML: {error}.") from error
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {first_problem(error)}.") from error
    attack = Attack(name=folder.name, folder=folder, description=description)
    for needed in (attack.source, attack.control):
        if not needed.is_file():
            raise ConfigurationError(f"The attack {folder.name} has no {needed.name}.")
    return attack


def load_attacks(folder: Path = HOSTILE, names: Iterable[str] = ()) -> list[Attack]:
    """Read the attacks of a gallery, all of them or those named, in the order of threats and names.

    Raises:
        ConfigurationError: one is not there or has a mistake.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"There is no gallery at {folder}.")
    there = {entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name != "__pycache__"}
    if unknown := sorted(set(names) - there):
        raise ConfigurationError(f"There is no attack called {unknown[0]!r} in {folder}.")
    found = [load_attack(folder / name) for name in set(names) or there]
    return sorted(found, key=lambda attack: (attack.description.threat, attack.name))
