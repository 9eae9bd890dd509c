"""Embed tokens: one agent, the named sites, and not for long."""

from __future__ import annotations

import pytest

from bithuman_core.service.tokens import RUNTIME, SKEW_SECONDS
from tests.service.conftest import Clock
from tests.service.serving import Client, sentence

SITE = "https://example.org"


@pytest.fixture
def page(client: Client) -> Client:
    """A page, which holds a token and no secret."""
    code = client.agent(name="Mara")
    client.work()
    answer = client.post("/v1/embed-tokens", json={"agent_code": code, "origins": [SITE, "http://localhost:3000"], "seconds": 60})
    token = answer.json()["data"]["token"]
    made = Client(client.service, None)
    made.headers.update({"authorization": f"Bearer {token}", "origin": SITE, "sec-fetch-site": "cross-site"})
    return made


def test_a_page_of_a_named_site_is_answered_for_a_while(page: Client, clock: Clock) -> None:
    answer = page.get("/v1/embed/agent")
    assert answer.json()["data"]["name"] == "Mara" and answer.headers["access-control-allow-origin"] == SITE
    assert page.get("/v1/embed/agent", headers={"origin": "http://localhost:3000"}).status_code == 200
    asked = page.options("/v1/embed/agent")
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "authorization, content-type")
    clock.now += 60 + SKEW_SECONDS
    sentence(page.get("/v1/embed/agent"), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "https://example.org.evil.example", "http://example.org"])
def test_other_sites_are_not(page: Client, origin: str) -> None:
    answer = page.get("/v1/embed/agent", headers={"origin": origin})
    sentence(answer, 403, "FORBIDDEN")
    assert "access-control-allow-origin" not in answer.headers


def test_it_opens_nothing_else(page: Client, client: Client) -> None:
    sentence(page.get("/v1/agents"), 401, "UNAUTHORIZED")
    runtime, _ = client.service.tokens.issue("x", RUNTIME)
    sentence(page.get("/v1/embed/agent", headers={"authorization": f"Bearer {runtime}"}), 401, "UNAUTHORIZED")
    sentence(page.get("/v1/embed/agent", headers={"authorization": ""}), 401, "MISSING_AUTH")


@pytest.mark.parametrize("origin", ["example.org", "https://", "https://a.example/path", "https://u@a.example", "*", "javascript://x"])
def test_what_is_no_origin_is_refused(client: Client, origin: str) -> None:
    answer = client.post("/v1/embed-tokens", json={"agent_code": "A12ABC3456", "origins": [origin]})
    sentence(answer, 422, "VALIDATION_ERROR")
