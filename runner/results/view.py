"""What tables show of a summary. It imports no pydantic, which takes as long as the rest of `unlearn list`.

`runner.results.summary.Summary` validates, and is what is stored; it has all of these fields. A stored
summary of exactly this version's shape becomes a `ListedSummary`; any other one is left to `Summary`, which
reads earlier versions and reports what it cannot read. A test compares the fields of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

SCHEMA_VERSION: Final = 1
"""Of a summary, and of the JSON of evaluations and entries."""
OTHER_SUBMISSION: Final = "another submission:"
"""Part of warnings that only the organizer may read: participants learn nothing of each other."""
UNCHANGED: Final = "checkpoints are the original network, unchanged"
EQUAL_SEEDS: Final = "checkpoints equal that of another seed"
"""Ends of the warnings that name a mistake of the submission. They are stored: never change them."""
NOT_TEXT: Final = "files that are not text: "
"""Begins the warning that names them, as no other warning begins: names in it are the submission's."""

MIN_SCORED_RUNS: Final = 16
"""With fewer runs a score is computed but not shown to people: forgetting quality is then 0, or nearly, for
nearly any submission. Such an evaluation is a smoke test, which shows that the code works."""


class SummaryView(Protocol):
    """The part of a summary that tables read; `Summary` describes the fields."""

    @property
    def evaluation(self) -> str: ...  # noqa: D102
    @property
    def submission(self) -> str: ...  # noqa: D102
    @property
    def n(self) -> int: ...  # noqa: D102
    @property
    def verdicts(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def score(self) -> float | None: ...  # noqa: D102
    @property
    def score_low(self) -> float | None: ...  # noqa: D102
    @property
    def score_high(self) -> float | None: ...  # noqa: D102
    @property
    def warnings(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def flags(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def flag_sentences(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def equal_evaluations(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def refused(self) -> bool: ...  # noqa: D102
    @property
    def score_withheld(self) -> bool: ...  # noqa: D102
    @property
    def is_smoke_test(self) -> bool: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    def to_json(self) -> dict[str, Any]: ...  # noqa: D102


def is_smoke_test(score: float | None, n: int) -> bool:
    """Return whether all runs succeeded, but are too few for their score to be shown."""
    return score is not None and n < MIN_SCORED_RUNS


def status_of(score: float | None, n: int, *, refused: bool, held: bool, score_withheld: bool) -> str:
    """Return how it ended: ``scored``, ``smoke-test``, ``judged``, ``failed``, ``held`` or ``refused``."""
    if refused:
        return "refused"
    if held:
        return "held"
    if score is None:
        return "judged" if score_withheld else "failed"
    return "smoke-test" if is_smoke_test(score, n) else "scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSummary:
    """A stored summary of this version's shape."""

    stored: Mapping[str, Any]
    evaluation: str
    submission: str
    n: int
    verdicts: Mapping[str, int]
    score: float | None
    score_low: float | None
    score_high: float | None
    warnings: Sequence[str]
    flags: Sequence[str]
    flag_sentences: Sequence[str]
    equal_evaluations: Sequence[str]
    refused: bool
    held: bool
    score_withheld: bool

    @property
    def is_smoke_test(self) -> bool:
        """Return whether all runs succeeded, but are too few for their score to be shown."""
        return is_smoke_test(self.score, self.n)

    @property
    def status(self) -> str:
        """Return how it ended, as `status_of`."""
        return status_of(
            self.score, self.n, refused=self.refused, held=self.held, score_withheld=self.score_withheld
        )

    def to_json(self) -> dict[str, Any]:
        """Return the summary as it is stored."""
        return dict(self.stored)


TEXT_FIELDS: Final = {"evaluation", "submission", "challenge"}
NUMBER_FIELDS: Final = {"seconds"}
OPTIONAL_NUMBER_FIELDS: Final = {
    *("score", "forgetting_quality", "retain_ratio", "test_ratio", "epsilon_mean", "run_seconds_median"),
    *("retain_ratio_clipped", "test_ratio_clipped", "score_clipped", "score_low", "score_high"),
    *("ceiling", "share_of_ceiling"),
}
LIST_FIELDS: Final = {"warnings", "flags", "flag_sentences", "equal_evaluations"}
FLAG_FIELDS: Final = {"refused", "held", "score_withheld"}
OTHER_FIELDS: Final = {"schema_version", "n", "verdicts", "reason"}
"""All fields of `Summary`, by what they hold."""

_REQUIRED: Final = TEXT_FIELDS | NUMBER_FIELDS | {"n", "verdicts"}
_KNOWN: Final = _REQUIRED | OPTIONAL_NUMBER_FIELDS | LIST_FIELDS | FLAG_FIELDS | OTHER_FIELDS


def listed_summary(stored: Mapping[str, Any]) -> ListedSummary | None:
    """Return a stored summary for a table; None if only `Summary` can read it, or say why not."""
    if not (stored.keys() >= _REQUIRED and stored.keys() <= _KNOWN and _has_types(stored)):
        return None
    return ListedSummary(
        stored=stored,
        evaluation=stored["evaluation"],
        submission=stored["submission"],
        n=stored["n"],
        verdicts=stored["verdicts"],
        score=stored.get("score"),
        score_low=stored.get("score_low"),
        score_high=stored.get("score_high"),
        warnings=stored.get("warnings", ()),
        flags=stored.get("flags", ()),
        flag_sentences=stored.get("flag_sentences", ()),
        equal_evaluations=stored.get("equal_evaluations", ()),
        refused=stored.get("refused", False),
        held=stored.get("held", False),
        score_withheld=stored.get("score_withheld", False),
    )


def _has_types(stored: Mapping[str, Any]) -> bool:
    for name, value in stored.items():
        if name in TEXT_FIELDS:
            fits = type(value) is str
        elif name in NUMBER_FIELDS:
            fits = type(value) in (int, float)
        elif name in OPTIONAL_NUMBER_FIELDS:
            fits = value is None or type(value) in (int, float)
        elif name in LIST_FIELDS:
            fits = type(value) is list and all(type(item) is str for item in value)
        elif name in FLAG_FIELDS:
            fits = type(value) is bool
        elif name == "verdicts":
            fits = type(value) is dict and all(type(count) is int for count in value.values())
        elif name == "reason":
            fits = value is None or type(value) is str
        else:  # n, and schema_version, of which there is one
            fits = type(value) is int and (name == "n" or value == 1)
        if not fits:
            return False
    return True
