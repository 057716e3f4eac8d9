"""`unlearn show --controls`: an evaluation's runs on control problems, for the organizer."""

from __future__ import annotations

from runner.cli.console import print_json, stdout_console
from runner.cli.participant.stored_view import NamedEvaluation
from runner.errors import ConfigurationError
from runner.reports.controls import (
    comparison_line,
    controls_json,
    controls_table,
    failed_run_line,
    problem_runs,
)
from runner.results.card_file import read_card
from runner.store.paths import EvaluationPaths
from runner.verdict import Verdict


def show_controls(named: NamedEvaluation, *, as_json: bool) -> None:
    """Print a row for each problem, with its figures if the evaluation has a score card, and what failed.

    Raises:
        ConfigurationError: the evaluation has no runs on control problems.
    """
    stored = named.store.evaluation(named.name)
    problems = problem_runs(named.store, stored)
    if len(problems) == 1:
        raise ConfigurationError(
            f"Evaluation {named.name} has no runs on control problems: its challenge was built without "
            "--controls, or it is a smoke test."
        )
    card = read_card(EvaluationPaths(folder=named.folder / named.name), stored.manifest_sha256)
    comparison = card.controls if card is not None else None
    if as_json:
        print_json(controls_json(named.name, problems, comparison))
        return
    out = stdout_console()
    out.print(controls_table(problems, comparison, out.width))
    for problem in problems[1:]:
        paths = EvaluationPaths(folder=named.folder / named.name).control(problem.evaluation)
        for run in problem.runs:
            if run.verdict is not Verdict.OK:
                log = file if (file := paths.log(run.index)).is_file() else None
                out.print(failed_run_line(problem.name, run, log), markup=False, soft_wrap=True)
    if comparison is not None:
        out.print(comparison_line(comparison), markup=False, soft_wrap=True)
