"""The claims of the attack gallery, and which of them each tier of the tests makes.

A test file holds one pairing of runtime and isolation, as a subclass of `GalleryClaims`: the two workers
of the suite then share the pairings. The fixture ``gallery_report`` runs the whole batch of a pairing once.
"""

from __future__ import annotations

from typing import ClassVar, Final

import pytest

from runner.engine.placement import Isolation
from runner.gallery.attacks import Attack, load_attacks
from runner.gallery.run import GalleryReport
from runner.verdict import Verdict

QUICK_ROWS: Final = {3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 20}
"""Threats whose attacks take a fraction of a second each: run under gVisor by ``make test-all``."""
FIRST_UNDER_GVISOR: Final = {
    *(
        "sparse_files",
        "daemon",
        "state_in_files",
        "state_in_keyrings",
        "network_by_address",
        "network_ports_left",
    ),
    *("look_through_the_objects", "forged_frames", "fakes_modules", "pickle_as_checkpoint", "mounts"),
}
"""What ``make test`` runs under gVisor, besides what ends otherwise there: one or two of each quick row."""
ENDED_BY_TIME: Final = {
    *("endless_loop", "ignores_signals", "holds_the_gil", "holds_the_log_pipe", "fork_bomb", "floods_stdout"),
    *("result_withheld", "stops_its_parent"),
}
"""Of the attacks that last until their time limit, those that ``make test`` runs: one of each kind."""
IMPORTS: Final = {"exits_at_import", "endless_at_import", "raises_at_import"}
"""Of the attacks whose subject is the import, those that ``make test`` runs; each takes containers of its own."""
BAD_CHECKPOINTS: Final = {
    *(
        "header_of_2_to_63",
        "header_nested",
        "names_twice",
        "ranges_overlap",
        "shape_overflows",
        "weights_nan",
    ),
    *("trailing_bytes", "tensor_too_few", "dtype_wrong"),
}
"""Of the checkpoints that the host's parser refuses, those that ``make test`` sends through a container. Its own
tests know them all."""
ISOLATED_ROWS: Final = {5, 6}
"""What a run may leave for the next one: run in a container for each run by ``make test-all``."""
TIERS: Final[dict[tuple[str, Isolation], str]] = {
    ("runc", "process"): "",
    ("runsc", "process"): "",
    ("runc", "container"): "slow",
}
"""The marker of each pairing of which ``make test-all`` runs a part at least; the rest takes hours."""


def tier(attack: Attack, runtime: str, isolation: Isolation) -> str:
    """Return the marker of a case: none for ``make test``, slow for ``make test-all``, else long."""
    description, ending = attack.description, attack.expectation(runtime, isolation)
    lasts = "time-limit" in ending.verdicts and attack.name not in ENDED_BY_TIME
    refused = set(ending.verdicts) == {Verdict.BAD_CHECKPOINT} and attack.name not in BAD_CHECKPOINTS
    if (runtime, isolation) == ("runc", "process"):
        imports = description.own_archive and description.kind != "host" and attack.name not in IMPORTS
        return "slow" if lasts or refused or imports else ""
    if description.own_archive or description.kind == "host" or "time-limit" in ending.verdicts:
        return "long"
    rows = {("runsc", "process"): QUICK_ROWS, ("runc", "container"): ISOLATED_ROWS}
    if description.threat not in rows.get((runtime, isolation), set()):
        return "long"
    if runtime == "runsc" and ending == attack.expectation("runc", isolation):
        return "" if attack.name in FIRST_UNDER_GVISOR else "slow"
    return TIERS[runtime, isolation]


class GalleryClaims:
    """The claims about one pairing of runtime and isolation."""

    runtime: ClassVar[str]
    isolation: ClassVar[Isolation]

    @classmethod
    def cases(cls) -> list[object]:
        """Return every attack that this isolation concerns, marked where ``make test`` leaves it out."""

        def marks(attack: Attack) -> list[pytest.MarkDecorator]:
            name = tier(attack, cls.runtime, cls.isolation)
            return [getattr(pytest.mark, name)] if name else []

        return [
            pytest.param(attack, id=attack.name, marks=marks(attack))
            for attack in load_attacks()
            if cls.isolation in attack.description.isolations
        ]

    def test_an_attack_is_contained(
        self, attack: Attack, gallery_report: GalleryReport, request: pytest.FixtureRequest
    ) -> None:
        """It ends as it must, its control and the run after it are fine, and it leaves nothing behind.

        A known hole is an expected failure: that it is closed fails the test, unless it shows on a quiet
        host only.
        """
        (result,) = [result for result in gallery_report.results if result.attack.name == attack.name]
        assert not result.broken, result.broken
        if (hole := result.expectation.open) is not None:
            known = pytest.mark.xfail(reason=hole)
            if attack.description.unsteady:
                known = pytest.mark.xfail(reason=hole, strict=False)
            request.applymarker(known)
        assert not result.problems, result.problems

    def test_the_host_is_as_it_was(self, gallery_report: GalleryReport) -> None:
        """No container, process, file, System V object or memory is missing or left after all of them."""
        assert gallery_report.leftovers == ()
