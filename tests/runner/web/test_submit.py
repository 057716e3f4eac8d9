"""`unlearn submit` against the real service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.cli.main import run_words
from runner.errors import ConfigurationError
from tests.runner.contest.conftest import Contest
from tests.runner.web.conftest import CODE, token_of
from tests.support.web.service import web_service


def test_submit(
    web_contest: Contest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file becomes one entry, also when it is handed in again; refusals are the service's sentences."""
    file = tmp_path / "mine.py"
    file.write_bytes(CODE)
    monkeypatch.setenv("UNLEARN_TOKEN", token_of("alpha"))
    with web_service(web_contest.folder, web_contest.store_folder) as service:
        words = ["submit", str(file), "--server", f"http://localhost:{service.port}", "--json", "--phase"]
        answers = []
        for _ in range(2):
            run_words([*words, "feedback"])
            answers.append(json.loads(capsys.readouterr().out))
        assert [answer["is_new"] for answer in answers] == [True, False]
        assert answers[0]["entry"] == answers[1]["entry"]
        (entry,) = web_contest.entries()
        assert (entry.id, entry.team) == (answers[0]["entry"]["id"], "alpha")
        assert entry.file_name == "mine.zip"
        with pytest.raises(ConfigurationError, match="no such phase"):
            run_words([*words, "another"])
        for visitor, sentence in (("revoked", "not valid"), ("reader", "lacks the scope submit")):
            monkeypatch.setenv("UNLEARN_TOKEN", token_of(visitor))
            with pytest.raises(ConfigurationError, match=sentence):
                run_words([*words, "feedback"])
