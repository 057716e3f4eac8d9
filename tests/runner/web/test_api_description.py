"""The description of the API holds: requests that it allows get answers that it describes, never an error of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.runner.contest.conftest import Contest
from tests.runner.web.conftest import CODE, Site, add_tokens, site_of, token_of

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

HOST = {"Host": "contest.example"}


@pytest.fixture(scope="module")
def described(contest_template: Contest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a service with an entry that is scored and one that waits."""
    contest = contest_template.copied(tmp_path_factory.mktemp("described") / "contest")
    contest.stores = True
    add_tokens(contest)
    with site_of(contest, uploads_per_minute=1_000_000, failed_logins=1_000_000) as site:
        site.hand_in(code=CODE)
        site.evaluate()
        site.hand_in(code=CODE + b"#")
        yield site


def examine(site: Site, examples: int) -> Counter[int]:
    """Ask what the description allows, and what it does not; return how often each status came."""
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", site.app, headers=HOST)
    headers, statuses = {**HOST, "Authorization": f"Bearer {token_of('alpha')}"}, Counter[int]()
    for result in schema.get_all_operations():
        operation: APIOperation[Any, Any, Any, Any] = result.ok()  # type: ignore[union-attr]  # or it raises
        for mode in GenerationMode:

            @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Case[Any]) -> None:
                statuses[case.call_and_validate(headers=headers, checks=CHECKS).status_code] += 1

            with suppress(Unsatisfiable):  # an operation without parameters has no wrong ones
                ask()
    return statuses


@pytest.mark.timeout(300)
def test_answers_are_as_described(described: Site) -> None:
    """A few requests to each operation."""
    statuses = examine(described, 5)
    assert statuses.total() > 50
    assert {200, 404, 422} <= set(statuses)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_answers_are_as_described_at_length(described: Site) -> None:
    """Many requests to each operation."""
    statuses = examine(described, 200)
    assert statuses.total() > 2000
    assert {200, 404, 422} <= set(statuses)


def test_the_description_has_every_operation(described: Site) -> None:
    """Bodies, tokens and problems are in it, so that clients can be written from it."""
    description = described.ask("GET", "/api/v1/openapi.json", "nobody").json()
    hand_in = description["paths"]["/api/v1/phases/{phase}/entries"]["put"]
    assert hand_in["requestBody"]["content"] == {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
    }
    assert hand_in["security"] == [{"HTTPBearer": []}]
    assert set(hand_in["responses"]) >= {"200", "201", "401", "403", "404", "409", "411", "413", "422", "429"}
    assert "application/problem+json" in hand_in["responses"]["429"]["content"]
