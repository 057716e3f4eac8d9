"""The summary of an evaluation: the object that ``--json`` prints and the store records.

The summary is versioned. ``tests/runner/golden/summary_schema.json`` records its JSON schema; fields are
added with a default and never change their meaning, so summaries of earlier versions are still read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from runner.errors import HostNotReadyError
from runner.results.view import OTHER_SUBMISSION as OTHER_SUBMISSION  # noqa: PLC0414 - for its readers
from runner.results.view import SCHEMA_VERSION as SCHEMA_VERSION  # noqa: PLC0414 - for its readers
from runner.results.view import is_smoke_test, status_of
from runner.sanitize import sanitize_line
from runner.store.entries.records import Outcome
from runner.validation import first_problem

FIGURES: Final = ("score", "forgetting_quality", "retain_ratio", "test_ratio", "epsilon_mean")
"""Fields that have the names of fields of `scoring.published.score.PublishedScore`. The first is the only one
that a participant sees under ``verdict-only``."""


class Summary(BaseModel):
    """How an evaluation ended, with a score or the reason for none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    """Of this object."""
    evaluation: str
    """Its name; empty for an entry that was refused."""
    submission: str
    """Its name."""
    challenge: str
    """Its name."""
    n: int
    """Number of requested runs."""
    verdicts: dict[str, int]
    """Runs by verdict."""
    score: float | None = None
    """The contest's score, not clipped."""
    forgetting_quality: float | None = None
    """F, from 0 to 1."""
    retain_ratio: float | None = None
    """Accuracy on retain, relative to the references."""
    test_ratio: float | None = None
    """Accuracy on test, relative to the references."""
    epsilon_mean: float | None = None
    """In nats."""
    seconds: float
    """Wall time spent on the evaluation, over all commands."""
    run_seconds_median: float | None = None
    """Median time of a run."""
    warnings: list[str] = []
    """Sentences on runs and checkpoints."""
    reason: str | None = None
    """Why there is no score."""
    score_withheld: bool = False
    """There is no score because the challenge came without references, which is not a failure."""
    retain_ratio_clipped: float | None = None
    """At most 1."""
    test_ratio_clipped: float | None = None
    """At most 1."""
    score_clipped: float | None = None
    """The score with both ratios at most 1."""
    score_low: float | None = None
    """Lower end of the 95 % confidence interval of the score."""
    score_high: float | None = None
    """Upper end of that interval."""
    ceiling: float | None = None
    """Forgetting quality of perfect unlearning."""
    share_of_ceiling: float | None = None
    """Forgetting quality relative to the ceiling."""
    flags: list[str] = []
    """Kinds of flags."""
    flag_sentences: list[str] = []
    """One sentence for each flag, in the same order."""
    equal_evaluations: list[str] = []
    """Evaluations of other submissions that have some of the same checkpoints."""
    refused: bool = False
    """The files are no submission: there is no evaluation, and ``reason`` says what is wrong with them."""
    held: bool = False
    """The sandbox was lost, as ``reason`` says: the evaluation goes on when the command is repeated."""

    @property
    def is_successful(self) -> bool:
        """Return whether the evaluation has its score, or all that its challenge can give."""
        return self.score is not None or self.score_withheld

    @property
    def is_smoke_test(self) -> bool:
        """Return whether all runs succeeded, but are too few for their score to be shown."""
        return is_smoke_test(self.score, self.n)

    @property
    def status(self) -> str:
        """Return how it ended, as `runner.results.view.status_of`."""
        return status_of(
            self.score, self.n, refused=self.refused, held=self.held, score_withheld=self.score_withheld
        )

    @property
    def outcome(self) -> Outcome:
        """Return what came of the entries that share the evaluation."""
        if self.refused:
            return Outcome.REFUSED
        if self.held:
            return Outcome.HELD
        return Outcome.SCORED if self.is_successful else Outcome.FAILED

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object: only fields that were set, so that earlier summaries are not changed."""
        return self.model_dump(mode="json", exclude_unset=True)

    def to_bytes(self) -> bytes:
        """Return the content of ``summary.json``."""
        return (json.dumps(self.to_json(), indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the summary that `to_json` gave.

        Raises:
            HostNotReadyError: it is not a summary, or one of a later version.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise HostNotReadyError(
                f"A stored summary cannot be read ({sanitize_line(first_problem(error))}); "
                "use the version of unlearn that wrote it."
            ) from error
