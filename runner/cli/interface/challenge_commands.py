"""The commands of `unlearn challenge` and `unlearn competition`."""

from __future__ import annotations

from typing import Final

CHALLENGE_COMMANDS: Final = {
    "build": ("challenge:build_command", "Build a challenge, or continue one that was interrupted."),
    "show": ("challenge:show_challenge_command", "Show a challenge after checking all of its files."),
    "measure": (
        "measure:measure_command",
        "Time retraining on this machine again, and show the resulting time limit.",
    ),
    "export": ("export:export_command", "Write the folder that participants get, and print its hash."),
}
"""Of `unlearn challenge`: module and function below `runner.cli`, and the docstring's first line."""

COMPETITION_COMMANDS: Final = {
    "init": (
        "organizer.competition:init_command",
        "Write a new competition.toml with a practice, a feedback and a final phase, to be edited.",
    ),
    "check": (
        "organizer.competition:check_command",
        "Check a competition before it opens: its dates, its challenges, and what a day of it costs.",
    ),
    "sync": (
        "contest.sync:sync_command",
        "Take the .zip and .py files in the folders of teams as entries, each once.",
    ),
    "evaluate": (
        "contest.evaluate:evaluate_command",
        "Evaluate the entries of a competition in the order of its queue, on this host.",
    ),
    "status": (
        "contest.status:status_command",
        "Show the queue with expected times, what is held or stuck, and the room on the disk.",
    ),
    "view": (
        "contest.view:view_command",
        "Show a phase to organizers, or as a team sees it: its entries, its quota, and the leaderboard.",
    ),
    "publish": (
        "contest.publish:publish_command",
        "Write the leaderboards that everybody may see as static pages, a folder for each phase.",
    ),
    "export": (
        "contest.export:export_command",
        "Write teams, entries, results, finals and audit as JSON and CSV, with hashes, without submissions.",
    ),
    "choose": (
        "contest.acts:choose_command",
        "Choose the entries with which a team takes part in a final, in place of an earlier choice.",
    ),
    "final": (
        "contest.final:final_command",
        "Queue the entries of a final, once teams may no longer choose; then show where they stand.",
    ),
    "cancel": (
        "contest.acts:cancel_command",
        "Take an entry back for its team, which is possible until it runs; it uses no quota any more.",
    ),
    "withdraw": (
        "contest.acts:withdraw_command",
        "Take an entry out of the competition at its team's wish; it uses no quota any more.",
    ),
    "disqualify": (
        "contest.acts:disqualify_command",
        "Take an entry out of the competition; what is known of it stays, and it still uses its quota.",
    ),
    "admit": (
        "contest.acts:admit_command",
        "Queue an entry that is late, or held: it is evaluated after all, or once more.",
    ),
    "clean": (
        "contest.clean:clean_competition_command",
        "Remove archives, outputs and checkpoints of ended entries that are past the days of `retention`.",
    ),
    "pause": (
        "contest.acts:pause_command",
        "Start no further evaluation; entries are still taken, and what is being evaluated ends.",
    ),
    "resume": ("contest.acts:resume_command", "Let a paused competition go on."),
    "audit": (
        "contest.status:audit_command",
        "List what organizers and teams did, the oldest first; nothing changes or deletes it.",
    ),
}
"""Of `unlearn competition`, likewise."""

TEAM_COMMANDS: Final = {
    "add": (
        "contest.teams:add_command",
        "Add a team, and print its access token, which is stored nowhere.",
    ),
    "list": ("contest.teams:list_command", "List the teams of a competition."),
    "token": (
        "contest.tokens:token_command",
        "Print a new access token for the web service, which is stored nowhere; a team may have several.",
    ),
    "tokens": (
        "contest.tokens:tokens_command",
        "List the access tokens of all teams and of organizers; the tokens themselves are not stored.",
    ),
    "revoke-token": (
        "contest.tokens:revoke_token_command",
        "End an access token, and with it all sessions of browsers that it began.",
    ),
    "revoke": (
        "contest.teams:revoke_command",
        "Take nothing more from a team; its entries stay, and no final takes them.",
    ),
    "merge": (
        "contest.teams:merge_command",
        "Give all entries of a team to another, with their quota and results; the team itself ends.",
    ),
    "delete": (
        "contest.teams:delete_command",
        "Withdraw all entries of a team and end its tokens; its name stays taken, and the audit is kept.",
    ),
}
"""Of `unlearn competition team`, likewise."""

REJUDGE_COMMANDS: Final = {
    "start": (
        "contest.rejudge:start_command",
        "Queue entries once more beside their results, which count until the rejudging is applied.",
    ),
    "show": ("contest.rejudge:show_command", "Show the results of a rejudging beside the old ones."),
    "apply": (
        "contest.rejudge:apply_command",
        "Let the results of a rejudging count, all of them; the old entries are superseded.",
    ),
    "cancel": (
        "contest.rejudge:cancel_rejudging_command",
        "Drop the results of a rejudging, all of them; the old ones count as before.",
    ),
}
"""Of `unlearn competition rejudge`, likewise."""
