"""Evaluate entries on this host, as their phase states it: runs, isolation, runtime, device, image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.competition.phase import Phase
from runner.contest.evaluator import EntryEvaluator, OpenEvaluator
from runner.engine.placement import CPU, Placement
from runner.errors import ConfigurationError, UnmetRequirementError
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.evaluation.place import OpenPlace, Place, this_machine
from runner.execution.context import EvaluationContext
from runner.execution.host_session import host_session
from runner.execution.settings import Settings
from runner.progress import Reporter
from runner.results.summary import Summary
from runner.store.store import Store
from runner.submission.load import Submission
from scoring.card.version import SCORE_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class _HostEvaluator:
    """Evaluates on a challenge with the engine of this host."""

    context: EvaluationContext
    challenge: Challenge
    settings: Settings
    place: Place

    def evaluation(self, submission: Submission) -> str:
        return evaluation_id_of(submission, self.challenge, self.context.image, self.settings)

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        return evaluate(
            self.context,
            submission,
            self.challenge,
            self.settings,
            new_executor=self.place.new_executor,
            timer=self.place.timer,
            gpu_driver=self.place.gpu_driver,
            before_scoring=before_scoring,
        )


def on_this_host(
    store: Store,
    folder: Path,
    competition_folder: Path,
    *,
    device: str | None,
    reporter: Callable[[], AbstractContextManager[Reporter]],
    elsewhere: OpenPlace | None = None,
    executed_on: str = "",
) -> OpenEvaluator:
    """Return what opens an evaluator on this host for a challenge of a phase.

    Opening raises ConfigurationError where the challenge or the device cannot be used, UnmetRequirementError
    where this host lacks what the phase requires (image, runtime, device, memory), and HostNotReadyError
    where no phase can be evaluated.

    Args:
        store: Where evaluations are recorded.
        folder: Of the store.
        competition_folder: From which paths of challenges start.
        device: GPU for phases that need one.
        reporter: Returns what receives the progress, for each evaluator that is opened.
        elsewhere: Opens the place where runs are executed; None for this machine. With another one, this host
            needs neither room for the runs nor the device.
        executed_on: Recorded with attempts where runs are executed elsewhere.
    """

    @contextmanager
    def open_evaluator(phase: Phase, path: str) -> Iterator[EntryEvaluator]:
        challenge = load_challenge(competition_folder / path)
        here = elsewhere is None
        with host_session(
            reporter(),
            limits=challenge.description.limits if here else None,
            runtime=phase.runtime,
            device=phase_device(phase, device) if here else CPU,
            required_device=phase.device if here else CPU,
        ) as host:
            require_image(phase, host.image.config)
            require_score_version(phase)
            with (elsewhere or this_machine)(challenge, host, phase.device) as place:
                settings = phase_settings(phase, device=place.device, placement=place.placement)
                yield _HostEvaluator(
                    context=host.evaluation_context(store, folder),
                    challenge=challenge,
                    settings=replace(settings, executed_on=executed_on),
                    place=place,
                )

    return open_evaluator


def phase_device(phase: Phase, device: str | None) -> str:
    """Return the device on which a phase is evaluated.

    Args:
        phase: Which states the kind of device.
        device: GPU that was named, if any.

    Raises:
        ConfigurationError: the phase needs a GPU, and none was named.
    """
    if phase.device == CPU:
        return CPU
    if device is None or device == CPU:
        raise ConfigurationError(f"Phase {phase.name} needs a GPU; name it with --device cuda:UUID.")
    return device


def phase_settings(phase: Phase, *, device: str, placement: Placement) -> Settings:
    """Return the settings of all evaluations of a phase.

    Args:
        phase: Which states them.
        device: On which they are executed.
        placement: How the engine provides runtime and device.
    """
    return Settings(
        n=phase.runs,
        keep_going=False,
        keep_checkpoints=False,
        isolation=phase.isolation,
        device=device,
        placement=placement,
    )


def require_score_version(phase: Phase) -> None:
    """Require that this program computes the score of the version that a phase states, if it states one.

    Raises:
        UnmetRequirementError: it computes another.
    """
    if phase.score_version not in (None, SCORE_VERSION):
        raise UnmetRequirementError(
            f"Phase {phase.name} is scored by version {phase.score_version} of the score, and this program "
            f"computes version {SCORE_VERSION}; install the program of the phase, or state this version and "
            "score its entries again: unlearn competition rejudge start --rescore."
        )


def require_image(phase: Phase, config: str) -> None:
    """Require the image that a phase states, if it states one.

    Args:
        phase: With the digest of the image's configuration.
        config: The same of this host's image; empty if the engine does not report it.

    Raises:
        UnmetRequirementError: this host has another image.
    """
    if phase.image_config is not None and config != phase.image_config:
        raise UnmetRequirementError(
            f"Phase {phase.name} is evaluated with the image {phase.image_config}, and this host has "
            f"{config or 'one whose digest is not known'}; build or fetch that of the phase."
        )
