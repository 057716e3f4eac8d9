"""The results of a final as data, with what they rest on: pages, JSON and the web service show it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FinalEvaluation(_Part):
    """What a value rests on: an evaluation of an entry on a challenge, by its manifest."""

    evaluation: str | None
    """Its name; null where teams are anonymous, because it follows from the submission."""
    submission_sha256: str | None
    """Of the submission's archive; null where teams are anonymous."""
    manifest_sha256: str | None
    """Of the manifest, which names every hash; null where none is recorded."""
    image: str | None
    """Digest of the image's configuration; null where the manifest cannot be read, like what follows."""
    scorer: int | None
    """Version of the score card."""
    program: str | None
    """Version of this program that has scored it."""
    runs: int | None
    """How many ended."""
    seeds_sha256: str | None
    """Of the seeds of all runs, in decimal with a line break after each."""
    outputs_sha256: str | None
    """Of the hashes of all runs' outputs, with a line break after each."""
    device: str | None
    """Of the runs."""


class FinalRow(_Part):
    """Where an entry stands."""

    team: str
    entry: int | None
    """Its number in the phase that the final takes entries from; null where teams are anonymous, because that
    phase may name them."""
    rank: int | None
    """By the metric and the rule alone; null without a value on each challenge, and for all entries of a team
    but its best."""
    first_rank: int | None
    """First of the ranks that are shared by entries which noise does not tell apart."""
    last_rank: int | None
    """Last of these ranks."""
    combined: float | None
    """Over all challenges."""
    combined_low: float | None
    """Lower end of its 95 % confidence interval; null where the noise is not known."""
    combined_high: float | None
    """Upper end of that interval."""
    behind: float | None
    """How much worse it is than the first; null of the first itself."""
    behind_low: float | None
    """Lower end of the 95 % confidence interval of this difference, on the same halves of the references."""
    behind_high: float | None
    """Upper end of that interval."""
    values: list[float | None]
    """Of the metric, by challenge."""
    evaluations: list[FinalEvaluation | None]
    """By challenge."""


class FinalChallenge(_Part):
    """A challenge of a final."""

    name: str
    sha256: str | None
    """Of its `challenge.toml`, which names every file; null where it cannot be read."""


class Decision(_Part):
    """An act by which the final came to be."""

    act: str
    """``final``: its entries were queued; ``final publish`` and ``final hide``."""
    who: str | None
    """Name of the organizer's user on their host, for organizers alone; null in what everybody may see."""
    at: AwareDatetime


class FinalResults(_Part):
    """The results of a final."""

    schema_version: Literal[1] = 1
    competition: str
    phase: str
    metric: str
    higher_is_better: bool
    """Of the metric."""
    combine: Literal["mean", "mean-rank"]
    weights: list[float] | None
    """Of the challenges; null for equal ones."""
    challenges: list[FinalChallenge]
    rows: list[FinalRow]
    """The best first; those without a rank of their own stand where their result places them."""
    remarks: list[str]
    """On noise that is not known."""
    decisions: list[Decision]
    """The oldest first."""
    store_revision: str
    """Version of the store's tables."""
    version: str
    """Of this program."""

    def without_users(self) -> FinalResults:
        """Return the results without the names of the organizers' users."""
        decisions = [each.model_copy(update={"who": None}) for each in self.decisions]
        return self.model_copy(update={"decisions": decisions})
