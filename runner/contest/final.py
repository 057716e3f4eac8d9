"""Finals: queue the entries that take part, on each challenge, and read what came of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.competition.competition import Competition
from runner.competition.final import Contender, FinalResult, Standing, final_entries, standings
from runner.competition.metrics import METRICS, metric_value
from runner.competition.phase import FinalRule, Phase
from runner.competition.states import IN_FLIGHT, OUT, EntryState
from runner.competition.times import local_text, moment
from runner.contest.opened import OpenContest
from runner.errors import ConfigurationError
from runner.store.competition.records import Act, CompetitionEntry, NewCompetitionEntry
from runner.store.paths import EvaluationPaths
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation

FINAL_ACT = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """A final of a competition, over its store."""

    contest: OpenContest
    phase: Phase

    @property
    def store(self) -> Store:
        """Return the store."""
        return self.contest.store

    @property
    def competition(self) -> Competition:
        """Return the competition."""
        return self.contest.competition

    @property
    def rule(self) -> FinalRule:
        """Return how it is decided.

        Raises:
            ConfigurationError: the phase is no final.
        """
        if self.phase.final is None:
            raise ConfigurationError(f"Phase {self.phase.name} is no final.")
        return self.phase.final

    @property
    def choose_by(self) -> datetime:
        """Return the moment until which teams may choose."""
        return moment(self.rule.choose_by, self.competition.zone)

    @property
    def is_queued(self) -> bool:
        """Return whether its entries have been queued."""
        acts = self.store.audit(self.competition.name)
        return any(act.act == FINAL_ACT and act.subject == self.phase.name for act in acts)

    def participants(self) -> list[CompetitionEntry]:
        """Return the entries that take part as things are: chosen ones, or the best."""
        name = self.competition.name
        scored = self.store.competition_entries(
            name, phase=self.rule.entries_from, states=[EntryState.SCORED]
        )
        active = self._active_teams()
        summaries = {stored.id: stored.summary for stored in self.store.evaluations()}
        contenders = []
        for entry in scored:
            score = (summaries.get(entry.evaluation or "") or {}).get("score")
            if score is not None and entry.team in active:
                contenders.append(
                    Contender(entry=entry.id, team=entry.team, received=entry.received, score=score)
                )
        by_id = {entry.id: entry for entry in scored}
        chosen = final_entries(
            contenders, self.store.choices(name, self.phase.name), self.rule.entries_per_team
        )
        return [by_id[contender.entry] for contender in chosen]

    def queue(self, *, who: str, now: datetime) -> int:
        """Queue the entries that take part on every challenge, once; return how many evaluations that are.

        Raises:
            ConfigurationError: teams may still choose, the final is not open or was queued before, the
                results of the phase before it are not final, or nobody takes part.
        """
        zone = self.competition.zone
        if now < self.choose_by:
            raise ConfigurationError(
                f"Teams may choose until {local_text(self.choose_by, zone)}; "
                "--dry-run shows what would be queued."
            )
        if (stage := self.competition.stage(self.phase, now)) != "open":
            raise ConfigurationError(f"Phase {self.phase.name} is {stage}.")

        def entries() -> list[NewCompetitionEntry]:
            if self.is_queued:
                raise ConfigurationError(f"The entries of phase {self.phase.name} have been queued already.")
            self._require_results(now)
            participants = self.participants()
            if not participants:
                raise ConfigurationError(
                    f"Nobody takes part in phase {self.phase.name}: no entry of phase "
                    f"{self.rule.entries_from} that could is scored."
                )
            return [
                self._taken(entry, challenge) for entry in participants for challenge in self.phase.challenges
            ]

        act = Act(who=who, act=FINAL_ACT, subject=self.phase.name)
        return self.store.queue_entries(self.competition.name, entries, act=act)

    def _require_results(self, now: datetime) -> None:
        """Require that nothing can change the results of the phase before it any more.

        Raises:
            ConfigurationError: it is open, or one of its entries has not ended, or is being judged again.
        """
        source = self.competition.phase(self.rule.entries_from)
        if now < (closes := self.competition.closes(source)):
            at = local_text(closes, self.competition.zone)
            raise ConfigurationError(f"Phase {source.name} takes entries until {at}; queue the final then.")
        for entry in self.store.competition_entries(
            self.competition.name, phase=source.name, with_pending=True
        ):
            if entry.pending:
                if entry.state not in OUT:
                    raise ConfigurationError(
                        f"Rejudging {entry.batch} of phase {source.name} is open; apply or cancel it first."
                    )
            elif entry.state in IN_FLIGHT or entry.state is EntryState.HELD:
                raise ConfigurationError(
                    f"Entry {entry.id} of phase {source.name} is {entry.state}; "
                    "evaluate or withdraw it first."
                )

    def _taken(self, entry: CompetitionEntry, challenge: str) -> NewCompetitionEntry:
        return NewCompetitionEntry(
            competition=self.competition.name,
            phase=self.phase.name,
            team=entry.team,
            file_name=entry.file_name,
            archive_sha256=entry.archive_sha256,
            bytes=entry.bytes,
            challenge=challenge,
            idempotency_key=json.dumps(["final", self.phase.name, entry.id, challenge]),
            source=entry.id,
        )

    def results(self) -> list[FinalResult]:
        """Return what each entry has reached: the metric on each challenge, in their order.

        An entry whose source was taken out of the competition is left out, and so are revoked teams.
        """
        return [
            FinalResult(
                entry=source,
                team=next(iter(entries.values())).team,
                values=tuple(self._value(entries.get(challenge)) for challenge in self.phase.challenges),
            )
            for source, entries in sorted(self._taken_entries().items())
        ]

    def evaluations(self) -> dict[int, list[StoredEvaluation | None]]:
        """Return the evaluations of each entry by its number in the earlier phase, by challenge."""
        return {
            source: [
                self._evaluation(entries[challenge]) if challenge in entries else None
                for challenge in self.phase.challenges
            ]
            for source, entries in self._taken_entries().items()
        }

    def _taken_entries(self) -> dict[int, dict[str, CompetitionEntry]]:
        """Return the entries of the final by the number of their source, and by challenge."""
        name, active = self.competition.name, self._active_teams()
        sources = {
            entry.id
            for entry in self.store.competition_entries(name, phase=self.rule.entries_from)
            if entry.state is EntryState.SCORED and entry.team in active
        }
        by_source: dict[int, dict[str, CompetitionEntry]] = {}
        for entry in self.store.competition_entries(name, phase=self.phase.name):
            if entry.source in sources and entry.source is not None:
                by_source.setdefault(entry.source, {})[entry.challenge] = entry
        return by_source

    def _active_teams(self) -> set[str]:
        """Return the teams that may win: none that was revoked."""
        return {team.name for team in self.store.teams(self.competition.name) if team.revoked is None}

    def _value(self, entry: CompetitionEntry | None) -> float | None:
        """Return the metric of an entry; None without a score card that has it."""
        stored = None if entry is None else self._evaluation(entry)
        if stored is None or stored.summary is None:
            return None
        if self.rule.metric in stored.summary:
            value = stored.summary[self.rule.metric]
            return None if value is None else float(value)
        from runner.results.card_file import read_card  # noqa: PLC0415 - the scorer, which teams' choices need not

        card = read_card(
            EvaluationPaths(folder=self.contest.store_folder / stored.id), stored.manifest_sha256
        )
        return None if card is None else metric_value(card, METRICS[self.rule.metric])

    def _evaluation(self, entry: CompetitionEntry) -> StoredEvaluation | None:
        """Return the evaluation that has an entry's score; None without one."""
        if entry.state is not EntryState.SCORED or entry.evaluation is None:
            return None
        return self.store.find_evaluation(entry.evaluation)

    def standings(self) -> list[Standing]:
        """Return where each entry stands, as far as it is evaluated."""
        return standings(
            self.results(),
            combine=self.rule.combine,
            weights=self.rule.weights,
            higher_is_better=METRICS[self.rule.metric].higher_is_better,
        )


def require_choice(final: Final, team: str, entries: Sequence[CompetitionEntry], now: datetime) -> None:
    """Require that a team may choose these entries now.

    Raises:
        ConfigurationError: it is too late, the final was queued, they are too many, or one of them cannot
            take part.
    """
    most = final.rule.entries_per_team
    if now >= final.choose_by:
        at = local_text(final.choose_by, final.competition.zone)
        raise ConfigurationError(f"Teams could choose until {at}.")
    if final.is_queued:
        raise ConfigurationError(f"The entries of phase {final.phase.name} have been queued already.")
    if len(entries) > most:
        raise ConfigurationError(f"A team may choose {most} at most, and these are {len(entries)}.")
    for entry in entries:
        if entry.team != team or entry.pending:
            raise ConfigurationError(f"Team {team} has no entry {entry.id}.")
        if entry.phase != final.rule.entries_from:
            raise ConfigurationError(
                f"Entry {entry.id} is of phase {entry.phase}; the final takes those of "
                f"{final.rule.entries_from}."
            )
        if entry.state is not EntryState.SCORED:
            raise ConfigurationError(f"Entry {entry.id} is {entry.state}; only scored ones take part.")
