"""Which package may import which, and what each imports now.

``python -m tests.architecture.packages`` prints the graph. A package stands on a floor and imports from
floors below it alone, so there is no cycle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

TOPS: Final = ("runner", "sandbox", "scoring")

GROUND: Final = frozenset(
    f"runner.{name}"
    for name in (
        *(
            "background_thread",
            "checkout",
            "errors",
            "files",
            "host_locks",
            "progress",
            "sanitize",
            "tracebacks",
            "units",
            "validation",
        ),
        *("verdict", "wording"),
    )
)
"""Modules that every package of `runner` but the parsers may import."""

FLOORS: Final[Mapping[str, tuple[str, ...]]] = {
    "runner": (
        "background_thread checkout errors sanitize units verdict wording",
        "files host_locks progress tracebacks validation",
        "parsers",
        "challenge submission",
        "competition engine",
        "clients image store",
        "builder execution results setup time_limits",
        "evaluation reports",
        "devices gallery",
        "doctor pages",
        "cluster leaderboard",
        "contest",
        "web",
        "cli",
        "__main__",
    ),
    "sandbox": (
        "protocol seccomp surroundings",
        "networks stdio",
        "recipes",
        "evaluator shell trainer worker",
        "gpu_check",
    ),
    "scoring": (
        "checks",
        "samples",
        "published",
        "statistics",
        "baselines epsilon flags",
        "probes",
        "outputs",
        "controls",
        "card",
    ),
}
"""Packages and top-level modules from the ground up."""

_SHARED: Final = "sandbox.protocol"
ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    package: frozenset(names.split())
    for package, names in {
        "runner.parsers": _SHARED,
        "runner.challenge": f"runner.parsers {_SHARED}",
        "runner.submission": f"runner.parsers {_SHARED}",
        "runner.store": "runner.competition runner.parsers",
        "runner.competition": "runner.challenge runner.parsers",
        "runner.engine": f"runner.challenge {_SHARED}",
        "runner.image": "runner.engine",
        "runner.clients": f"runner.challenge runner.engine runner.parsers runner.submission {_SHARED}",
        "runner.builder": (
            f"runner.challenge runner.clients runner.engine runner.image runner.parsers {_SHARED}"
        ),
        "runner.setup": "runner.engine runner.image",
        "runner.time_limits": (
            "runner.challenge runner.clients runner.engine runner.image runner.parsers runner.store "
            f"runner.submission {_SHARED}"
        ),
        "runner.execution": (
            "runner.challenge runner.clients runner.engine runner.image runner.parsers runner.store "
            "runner.submission"
        ),
        "runner.results": (
            "runner.challenge runner.image runner.parsers runner.store runner.submission "
            f"scoring.baselines scoring.card scoring.outputs scoring.probes scoring.statistics {_SHARED}"
        ),
        "runner.evaluation": (
            "runner.challenge runner.clients runner.engine runner.execution runner.image runner.parsers "
            "runner.results runner.store runner.submission runner.time_limits"
        ),
        "runner.devices": (
            "runner.challenge runner.engine runner.evaluation runner.execution runner.image runner.results "
            "runner.store runner.submission"
        ),
        "runner.cluster": (
            "runner.challenge runner.clients runner.devices runner.doctor runner.engine runner.execution "
            "runner.image runner.parsers runner.submission runner.time_limits"
        ),
        "runner.reports": (
            "runner.challenge runner.parsers runner.results runner.store scoring.card scoring.controls "
            f"scoring.outputs scoring.probes scoring.statistics {_SHARED}"
        ),
        "runner.leaderboard": (
            "runner.challenge runner.pages runner.reports runner.results runner.store scoring.card "
            "scoring.outputs scoring.statistics"
        ),
        "runner.contest": (
            "runner.challenge runner.competition runner.devices runner.engine runner.evaluation runner.execution "
            f"runner.leaderboard runner.reports runner.results runner.store runner.submission scoring.card {_SHARED}"
        ),
        "runner.pages": "runner.reports",
        "runner.web": (
            "runner.challenge runner.competition runner.contest runner.leaderboard runner.pages runner.store "
            "runner.submission"
        ),
        "runner.gallery": (
            "runner.builder runner.challenge runner.clients runner.engine runner.execution runner.image "
            "runner.reports runner.submission runner.time_limits"
        ),
        "runner.doctor": "runner.challenge runner.engine runner.execution runner.gallery runner.image",
        "runner.cli": (
            "runner.builder runner.challenge runner.cluster runner.competition runner.contest runner.devices runner.doctor "
            "runner.engine "
            "runner.evaluation runner.execution runner.gallery runner.image runner.leaderboard runner.pages "
            "runner.reports runner.results runner.setup runner.store runner.submission runner.time_limits runner.web "
            "scoring.card scoring.statistics "
            f"{_SHARED}"
        ),
        "runner.__main__": "runner.cli",
        "sandbox.networks": _SHARED,
        "sandbox.seccomp": "",
        "sandbox.stdio": _SHARED,
        "sandbox.surroundings": "",
        "sandbox.recipes": f"sandbox.networks {_SHARED}",
        "sandbox.gpu_check": "sandbox.seccomp sandbox.worker",
        "sandbox.evaluator": f"sandbox.networks sandbox.seccomp sandbox.stdio sandbox.surroundings {_SHARED}",
        "sandbox.shell": f"sandbox.networks {_SHARED}",
        "sandbox.trainer": (
            f"sandbox.networks sandbox.recipes sandbox.seccomp sandbox.stdio sandbox.surroundings {_SHARED}"
        ),
        "sandbox.worker": f"sandbox.networks sandbox.seccomp sandbox.stdio sandbox.surroundings {_SHARED}",
        "scoring.samples": "scoring.checks",
        "scoring.published": "scoring.checks scoring.samples",
        "scoring.outputs": "scoring.checks scoring.probes scoring.published",
        "scoring.statistics": "scoring.checks scoring.published scoring.samples",
        "scoring.baselines": "scoring.checks scoring.samples",
        "scoring.epsilon": "scoring.checks scoring.published scoring.samples scoring.statistics",
        "scoring.flags": "scoring.checks scoring.published scoring.samples scoring.statistics",
        "scoring.probes": (
            "scoring.baselines scoring.checks scoring.epsilon scoring.published scoring.statistics"
        ),
        "scoring.controls": (
            "scoring.checks scoring.epsilon scoring.outputs scoring.published scoring.statistics"
        ),
        "scoring.card": (
            "scoring.baselines scoring.checks scoring.controls scoring.epsilon scoring.flags "
            "scoring.outputs scoring.probes scoring.published scoring.statistics"
        ),
    }.items()
}
"""What each package may import besides the ground modules; what is not named is not allowed."""

PARSERS_MAY_IMPORT: Final = frozenset({"runner.sanitize", "runner.verdict", "runner.wording"})
"""Of the ground modules: a parser knows no files, processes or network."""

LIBRARY_HOMES: Final = {
    "docker": "runner.engine",
    "sqlalchemy": "runner.store",
    "alembic": "runner.store",
    "typer": "runner.cli",
    "pooch": "runner.builder",
    "jinja2": "runner.pages",
    "markupsafe": "runner.pages",
    "matplotlib": "runner.pages",
    "confusable_homoglyphs": "runner.leaderboard",
    "ray": "runner.cluster",
}
"""Libraries that one package imports alone."""


def python_files(folder: str) -> list[Path]:
    """Return the Python files below a folder of the repository."""
    return sorted((ROOT / folder).rglob("*.py"))


def module_name(file: Path) -> str:
    """Return the dotted name of a file of the repository."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(file: Path, *, everywhere: bool = True) -> set[str]:
    """Return the modules that a file imports: anywhere in it, or at its top level only."""
    tree = ast.parse(file.read_text())
    modules: set[str] = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            whole = str(node.module)
            if "." in whole or whole not in TOPS:
                modules.add(whole)
            else:
                modules.update(f"{whole}.{alias.name}" for alias in node.names)
    return modules


def package_of(module: str) -> str:
    """Return the package, or the module right below the top, that a module belongs to."""
    return ".".join(module.split(".")[:2])


def package_imports() -> dict[str, set[str]]:
    """Return what every package imports of the project's other packages; the tops themselves left out."""
    graph: dict[str, set[str]] = {}
    for top in TOPS:
        for file in python_files(top):
            package = package_of(module_name(file))
            if package in TOPS:
                continue
            targets = {package_of(name) for name in imported_modules(file) if name.split(".")[0] in TOPS}
            graph.setdefault(package, set()).update(targets - {package})
    return graph


def floor_of(package: str) -> int:
    """Return the floor of a package, from 0 at the ground.

    Raises:
        KeyError: the package stands on none.
    """
    top, _, name = package.partition(".")
    for floor, names in enumerate(FLOORS[top]):
        if name in names.split():
            return floor
    raise KeyError(package)


def drawing(graph: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield the lines of the graph, the top floor first; imports of ground modules are left out."""
    for top, floors in FLOORS.items():
        yield top
        for floor in range(len(floors) - 1, -1, -1):
            for name in floors[floor].split():
                package = f"{top}.{name}"
                targets = sorted(graph.get(package, set()) - GROUND)
                shown = ", ".join(target.removeprefix(f"{top}.") for target in targets)
                yield f"  {floor}  {name:<12} -> {shown or 'nothing'}"
    upward = sum(
        package.split(".")[0] == target.split(".")[0] and floor_of(target) >= floor_of(package)
        for package, targets in graph.items()
        for target in targets
    )
    yield f"{sum(map(len, graph.values()))} arrows between {len(graph)} packages, {upward} of them upwards"


if __name__ == "__main__":
    print("\n".join(drawing(package_imports())))  # noqa: T201 - it is what the command is for
