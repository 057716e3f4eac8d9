"""The attacks of the gallery: read from folders, each with its control and its expected ending.

submission.py   the attack, as a complete submission
control.py      the permitted form of the same action; must end ``ok``
probe.py        optional: the run directly after the attack; must end ``ok``
make.py         replaces submission.py and control.py where kind = "host": writes the hostile file on the host
attack.toml     the threat, the title and the expected ending

The expected ending stands at the top of ``attack.toml``. Where it differs under some runtimes or in one
isolation, ``[[expect]]`` tables follow. Each replaces the keys that it sets, in the order of the file::

    verdicts = ["ok"]

    [[expect]]
    runtimes = ["runsc"]
    isolations = ["process"]
    open = "why this hole is known and open there"
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
"""Used in place of a runtime's name: under Podman, the engine and not the runtime makes the difference."""

Runtime = Literal["runc", "crun", "runsc", "podman"]

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
"""Small, so that a run reaches them quickly. Attacks with equal limits share a worker."""
HONEST_LIMITS: Final = GALLERY_LIMITS.with_changes(wall_seconds=15.0)
"""More time: on a busy machine an honest run, or an attack that is refused at once, may take long."""


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"it is not a valid regular expression ({error})") from error
    return value


Pattern = Annotated[str, AfterValidator(_check_pattern)]
"""A regular expression, as `re.search` takes it."""


class ExpectedEnding(BaseModel):
    """The ending that an attack must have. None stands for "not set here"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdicts: Annotated[tuple[Verdict, ...] | None, Field(min_length=1)] = None
    """The correct verdicts; any of them will do. ``ok`` means that the attempt was made and refused."""

    output: Pattern | None = None
    """A pattern that must match the verdict's detail or the run's printed output."""

    open: Annotated[str | None, Field(min_length=1)] = None
    """Why this hole is known and open. If the attack is contained after all, the mark is an error,
    unless the attack is unsteady."""


class ConditionalEnding(ExpectedEnding):
    """One ``[[expect]]`` table: what differs under some runtimes or in some isolations."""

    runtimes: Annotated[tuple[Runtime, ...] | None, Field(min_length=1)] = None
    """None for all. Under Podman only "podman" matches, whatever runtime it starts."""

    isolations: Annotated[tuple[Isolation, ...] | None, Field(min_length=1)] = None
    """None for both."""

    def applies(self, runtime: str, isolation: Isolation) -> bool:
        """Return whether the table concerns this runtime, or `PODMAN`, and this isolation."""
        return (self.runtimes is None or runtime in self.runtimes) and (
            self.isolations is None or isolation in self.isolations
        )


class AttackSpec(ExpectedEnding):
    """The content of ``attack.toml``."""

    threat: Annotated[int, Field(ge=1, le=23)]
    """Row of the threat model."""

    title: Annotated[str, Field(min_length=1)]
    kind: Literal["submission", "host"] = "submission"
    refusal: Pattern | None = None
    """For kind "host": a pattern that the host's refusal must match. None if the file must be run."""

    times: Annotated[int, Field(ge=1, le=16)] = 1
    """Number of runs of the attack, directly after each other."""

    limits: dict[str, Any] = {}
    """Limits that differ from `GALLERY_LIMITS`."""

    own_archive: bool = False
    """Whether attack and control need an archive each, since their subject is the import or the archive."""

    own_worker: bool = False
    """Whether no other attack may use its worker, since the hole that it tests would harm their runs."""

    unsteady: bool = False
    """Whether an open hole shows on a quiet host only, so that a contained attempt proves nothing."""

    isolations: tuple[Isolation, ...] = ("process", "container")
    """The isolations in which the attack is run."""

    expect: tuple[ConditionalEnding, ...] = ()
    """Differences under some runtimes or in some isolations; later tables win."""

    @model_validator(mode="after")
    def _check_ending(self) -> Self:
        if self.refusal is not None and self.kind != "host":
            raise ValueError("only attacks of kind host can be refused on the host")
        if (self.verdicts is None) == (self.refusal is None):
            raise ValueError("set the expected ending: either verdicts or a refusal")
        self.all_limits()
        return self

    def all_limits(self) -> Limits:
        """Return the limits of its runs, with ample time unless the time limit is a correct ending."""
        if self.may_reach_time_limit():
            return Limits.model_validate({**GALLERY_LIMITS.model_dump(), **self.limits})
        return self.control_limits()

    def control_limits(self) -> Limits:
        """Return the limits of a control in a worker of its own, with ample time."""
        return Limits.model_validate({**HONEST_LIMITS.model_dump(), **self.limits})

    def may_reach_time_limit(self) -> bool:
        """Return whether the time limit is a correct ending under any runtime and isolation."""
        return any(Verdict.TIME_LIMIT in (ending.verdicts or ()) for ending in (self, *self.expect))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The ending that an attack must have under one runtime and isolation."""

    verdicts: tuple[Verdict, ...]
    output: str | None
    open: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One folder of the gallery."""

    name: str
    folder: Path
    description: AttackSpec

    @property
    def source(self) -> Path:
        """Return the file of the attack itself."""
        return self.folder / ("make.py" if self.description.kind == "host" else "submission.py")

    @property
    def control(self) -> Path:
        """Return the file of the permitted form; for kind host, ``make.py``, which writes both."""
        return self.folder / ("make.py" if self.description.kind == "host" else "control.py")

    @property
    def probe(self) -> Path | None:
        """Return the attack's own probe, the run that follows it, or None if it has none."""
        own = self.folder / "probe.py"
        return own if own.is_file() else None

    def expectation(self, runtime: str, isolation: Isolation) -> Expectation:
        """Return the expected ending under a runtime, or `PODMAN`, and isolation."""
        description = self.description
        endings = [description, *(item for item in description.expect if item.applies(runtime, isolation))]
        set_last = endings[::-1]
        return Expectation(
            verdicts=next((ending.verdicts for ending in set_last if ending.verdicts is not None), ()),
            output=next((ending.output for ending in set_last if ending.output is not None), None),
            open=next((ending.open for ending in set_last if ending.open is not None), None),
        )


def load_attack(folder: Path) -> Attack:
    """Read one attack.

    Raises:
        ConfigurationError: a file is missing, or the description has a mistake.
    """
    file = folder / ATTACK_FILE
    try:
        description = AttackSpec.model_validate(tomllib.loads(file.read_text()))
    except OSError as error:
        raise ConfigurationError(f"The attack cannot be read: {error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not TOML: {error}.") from error
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {first_problem(error, root='the attack')}.") from error
    attack = Attack(name=folder.name, folder=folder, description=description)
    for required in (attack.source, attack.control):
        if not required.is_file():
            raise ConfigurationError(f"The attack {folder.name} has no {required.name}.")
    return attack


def load_attacks(folder: Path = HOSTILE, names: Iterable[str] = ()) -> list[Attack]:
    """Read the attacks of a gallery, all or the named ones, sorted by threat and name.

    Raises:
        ConfigurationError: an attack does not exist or has a mistake.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"There is no gallery at {folder}.")
    existing = {entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name != "__pycache__"}
    if unknown := sorted(set(names) - existing):
        raise ConfigurationError(f"There is no attack called {unknown[0]!r} in {folder}.")
    attacks = [load_attack(folder / name) for name in set(names) or existing]
    return sorted(attacks, key=lambda attack: (attack.description.threat, attack.name))
