"""The description of the API is true: schemathesis makes requests of it, sound ones and wrong ones, and looks at every answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from tests.plugins import need

need("schemathesis")

import schemathesis  # noqa: E402
from fastapi.routing import APIRoute  # noqa: E402
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance  # noqa: E402

from bithuman_core.service.app import ROUTERS  # noqa: E402
from tests.service.serving import ALL, listening, make_service  # noqa: E402


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What a running service says of itself."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    service = make_service(f"sqlite:///{folder / 'service.db'}", folder / "files", time.time)
    secret, _ = service.secrets.create("tests", ALL, per_minute=10**6, per_day=10**6)
    with listening(service) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json"), {"api-secret": secret}


CALLS = [
    (method, route.path)
    for family in ROUTERS
    for route in family.router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
    for method in sorted(route.methods or ())
]

MORE_THAN_A_SCHEMA = {  # calls that take what no schema says
    "/v1/agent/generate": "one of three files",
    "/v1/files/upload": "one of three ways to bring a file",
    "/v1/video/generate": "a text or a sound",
    "/v1/tts": "a voice that is there",
    "/v1/audio/speech": "a voice that is there",
    "/v1/agents": "the cursor of a page before",
    "/v1/secrets": "a name that can be printed",
    "/v1/embed-tokens": "origins",
    "/v1/embed/sessions": "an agent, by its code or by a token",
    "/v1/agent/{code}/embed": "origins",
    "/v1/webhooks": "a public address",
    "/v1/webhooks/{number}": "a public address",
}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_answer_is_as_described(described: Any, method: str, path: str, mode: GenerationMode) -> None:
    schema, headers = described
    operation = schema[path][method]

    @settings(
        max_examples=5, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        form = case.media_type == "multipart/form-data"  # all of whose fields are texts
        answer = case.call(headers=headers)
        refused = answer.status_code == 413  # for its size, before anybody looks into it
        unknown = [(positive_data_acceptance, path in MORE_THAN_A_SCHEMA), (negative_data_rejection, form or refused)]
        unsaid = [check for check, applies in unknown if applies]
        case.validate_response(answer, headers=headers, excluded_checks=unsaid)

    with suppress(Unsatisfiable):  # a call that takes nothing cannot be asked wrongly
        ask()
