"""The admin page in a real Chromium: signed in, looked at, a secret made and revoked, an agent found and deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.plugins import need as need_packages

need_packages("sqlalchemy", "alembic", "argon2", "jwt", "fsspec", "prometheus_client")

from bithuman_core.service.admin.page import AdminPage  # noqa: E402
from bithuman_core.service.context import Service  # noqa: E402
from bithuman_core.service.data.tables import Agent, Live  # noqa: E402
from tests.browser.conftest import screenshot  # noqa: E402
from tests.service.serving import listening, make_service  # noqa: E402

expect.set_options(timeout=20_000)  # ms: what takes .2 s by itself takes seconds on a machine whose cores other tests have


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    yield make_service(f"sqlite:///{tmp_path / 'service.db'}", tmp_path / "files", time.time)


@pytest.fixture
def admin(browser: Browser, service: Service) -> Iterator[Page]:
    """The page of somebody who has signed in; nothing of it may come from elsewhere or break its policy."""
    secret, row = service.secrets.create("host", ["admin"])
    now, faults = service.now(), list[str]()
    agent = {"status": "ready", "notes": [], "secret_id": row.id, "created": now, "updated": now}
    with service.database.writing() as session:
        session.add_all(Agent(code=f"A{number}", name=name, prompt="", **agent) for number, name in enumerate(("Mara", "Theo")))
        session.flush()
        session.add(Live(id="l", agent_code="A0", kind="room", room="lobby", process="p", started_at=now, seen_at=now))
    with listening(service, admin=AdminPage(service)) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 860})
        page = context.new_page()
        page.on("console", lambda said: faults.append(f"{said.text} {said.location}") if is_fault(said) else None)
        page.on("request", lambda request: None if request.url.startswith((url, "data:")) else faults.append(request.url))
        page.goto(f"{url}/admin")
        page.get_by_label("Secret").fill(secret)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#numbers")).to_contain_text("avatars live")
        yield page
        context.close()
        assert faults == []


def is_fault(said: ConsoleMessage) -> bool:
    """Gradio tells of its own requests that it gave up for newer ones, on a busy machine."""
    return said.type == "error" and not said.text.startswith("AbortError: signal is aborted")


def test_a_host_sees_how_it_stands_and_keeps_order(admin: Page, service: Service, tmp_path: Path) -> None:
    assert admin.locator("#numbers dd").all_inner_texts()[:2] == ["1", "2"], "avatars live, agents"
    expect(admin.locator("svg.load")).to_contain_text("Avatars live")
    screenshot(admin, "admin-overview", tmp_path)

    admin.get_by_role("tab", name="Live").click()
    expect(admin.locator("#live")).to_contain_text("lobby")

    admin.get_by_role("tab", name="Agents").click()
    expect(admin.locator("#agents")).to_contain_text("Theo")
    admin.locator("#find-agent textarea, #find-agent input").fill("theo")
    admin.keyboard.press("Enter")
    expect(admin.locator("#agent-count")).to_contain_text("one agent")
    admin.locator("#agents").get_by_role("button", name="Theo").click()
    admin.get_by_label("Persona").fill("You are brief.")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Saved.")).to_be_visible()
    with service.database.reading() as session:
        assert session.get_one(Agent, "A1").prompt == "You are brief."
    screenshot(admin, "admin-agents", tmp_path)
    admin.get_by_label("Delete it").check()
    admin.get_by_role("button", name="Delete").click()
    expect(admin.locator("#agent-count")).to_contain_text("0 agents")
    with service.database.reading() as session:
        assert session.get(Agent, "A1") is None and session.get(Agent, "A0") is not None

    admin.get_by_role("tab", name="Secrets").click()
    admin.get_by_role("button", name="Make a secret").click()
    admin.locator("#new-name textarea, #new-name input").fill("website")
    admin.get_by_role("button", name="Make it").first.click()
    made = admin.locator("#made textarea, #made input")
    expect(made).not_to_have_value("")
    secret = made.input_value()
    assert service.secrets.holder(secret).scopes == ("read", "speak", "build")
    screenshot(admin, "admin-secrets", tmp_path)
    admin.get_by_role("tab", name="Overview").click()
    admin.get_by_role("tab", name="Secrets").click()
    expect(made).not_to_be_visible()
    admin.locator("#secrets").get_by_role("button", name="website").click()
    expect(admin.get_by_text("Chosen:")).to_contain_text("website")
    admin.get_by_role("button", name="Revoke").click()
    expect(admin.get_by_text("It is valid no more.")).to_be_visible()
    expect(admin.locator("#secrets")).to_contain_text("revoked")

    admin.get_by_role("button", name="Sign out").click()
    expect(admin.get_by_label("Secret")).to_be_visible()
