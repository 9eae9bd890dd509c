"""Webhooks: signed, tried again, written down, and never led where they must not go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bithuman_core.service.data.tables import Upload
from bithuman_core.service.webhooks import sender as sender_module
from bithuman_core.service.webhooks.sender import LEASE_SECONDS, PAUSES, TOO_SLOW
from bithuman_core.service.webhooks.signature import signature
from tests.service.conftest import Clock
from tests.service.serving import ALL, Client, make_service, sentence


class Receiver(HTTPServer):
    """Takes deliveries, and answers as a test says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.location = 200, ""
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.hold = threading.Event()
        self.hold.set()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}/hook?key=s3cret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.server.hold.wait(30)
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.hold.set()
        server.shutdown()


@pytest.fixture
def hooks(tmp_path: Path, clock: Clock) -> Iterator[Client]:
    """A service that may tell this machine."""
    made = make_service(f"sqlite:///{tmp_path / 'hooks.db'}", tmp_path / "files", clock, fetch_from=("localhost",), webhooks=3)
    yield Client(made, made.secrets.create("tests", ALL, per_minute=10_000)[0])
    made.close()


def add(client: Client, url: str, **said: object) -> dict[str, str]:
    answer = client.post("/v1/webhooks", json={"url": url, **said})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def log(client: Client, hook: dict[str, str]) -> list[dict[str, object]]:
    return client.get(f"/v1/webhooks/{hook['id']}/deliveries").json()["data"]


def test_events_arrive_signed(hooks: Client, receiver: Receiver, clock: Clock) -> None:
    hook = add(hooks, receiver.url, events=["agent.ready", "agent.deleted"])
    code = hooks.agent()
    hooks.work()
    hooks.delete(f"/v1/agent/{code}")
    assert hooks.service.sender.step() == 2
    headers, body = next((h, b) for h, b in receiver.came if h["x-bithuman-event"] == "agent.ready")
    assert json.loads(body)["data"] == {"agent_id": code, "code": code}
    assert headers["x-bithuman-signature"] == f"sha256={signature(hook['secret'], str(int(clock.now)), body)}"
    assert headers["x-bithuman-delivery"] == json.loads(body)["id"] and headers["x-bithuman-timestamp"] == str(int(clock.now))
    assert {(line["status"], line["response_status"]) for line in log(hooks, hook)} == {("done", 200)}
    assert hooks.service.sender.step() == 0, "once each"


def test_one_that_fails_is_tried_again_and_then_no_more(hooks: Client, receiver: Receiver, clock: Clock) -> None:
    receiver.status = 500
    hook = add(hooks, receiver.url)
    hooks.post(f"/v1/webhooks/{hook['id']}/test")
    assert hooks.service.sender.step() == 1 and hooks.service.sender.step() == 0
    for pause in PAUSES:
        clock.now += pause - 1
        assert hooks.service.sender.step() == 0
        clock.now += 1
        assert hooks.service.sender.step() == 1
    (line,) = log(hooks, hook)
    assert (line["status"], line["tries"], line["error_message"]) == ("failed", 5, "It answered 500.")
    clock.now += 10 * PAUSES[-1]
    assert hooks.service.sender.step() == 0


def test_one_that_hangs_keeps_no_other_waiting(
    hooks: Client, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "SECONDS", 0.3)
    receiver.hold.clear()
    with Receiver() as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        slow, quick = add(hooks, receiver.url), add(hooks, other.url)
        for hook in (slow, quick):
            hooks.post(f"/v1/webhooks/{hook['id']}/test")
        assert hooks.service.sender.step() == 2
        assert [log(hooks, hook)[0]["status"] for hook in (slow, quick)] == ["queued", "done"]
        assert log(hooks, slow)[0]["error_message"] == TOO_SLOW
        other.shutdown()


def test_a_redirect_is_not_followed(hooks: Client, receiver: Receiver) -> None:
    receiver.status, receiver.location = 302, "http://169.254.169.254/latest/meta-data"
    hook = add(hooks, receiver.url)
    hooks.post(f"/v1/webhooks/{hook['id']}/test")
    hooks.service.sender.step()
    assert len(receiver.came) == 1 and "leads on" in str(log(hooks, hook)[0]["error_message"])


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:80/x", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/", "ftp://a.example/", "http://u:p@a.example/",
     "no address", "http://", "http://0x7f000001/", "http://nothing.invalid/"],
)  # fmt: skip
def test_addresses_of_its_own_network_are_refused(client: Client, url: str) -> None:
    answer = client.post("/v1/webhooks", json={"url": url})
    assert answer.status_code == 422 and answer.json()["error"]["code"] in ("VALIDATION_ERROR", "DOWNLOAD_ERROR"), answer.text
    assert client.get("/v1/webhooks").json()["data"] == []


def test_a_name_that_leads_inwards_later_is_not_told(
    hooks: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = add(hooks, receiver.url)
    hooks.post(f"/v1/webhooks/{hook['id']}/test")
    monkeypatch.setattr(hooks.service.sender, "_addresses", sender_module.Addresses((), "url"))
    hooks.service.sender.step()
    assert receiver.came == [] and "public internet" in str(log(hooks, hook)[0]["error_message"])


def test_a_webhook_is_changed_stopped_and_deleted(hooks: Client, receiver: Receiver) -> None:
    hook = add(hooks, receiver.url, description="mine")
    assert hook["secret"].startswith("whsec_")
    for answer in (hooks.get("/v1/webhooks"), hooks.get(f"/v1/webhooks/{hook['id']}")):
        assert hook["secret"] not in answer.text and "mine" in answer.text
    changed = hooks.patch(f"/v1/webhooks/{hook['id']}", json={"active": False, "events": ["video.ready"]}).json()["data"]
    assert (changed["active"], changed["events"], changed["description"]) == (False, ["video.ready"], "mine")
    hooks.patch(f"/v1/webhooks/{hook['id']}", json={"events": []})
    hooks.delete(f"/v1/agent/{hooks.agent()}")
    assert hooks.service.sender.step() == 0
    assert hooks.delete(f"/v1/webhooks/{hook['id']}").status_code == 200
    sentence(hooks.get(f"/v1/webhooks/{hook['id']}/deliveries"), 404, "NOT_FOUND")
    for _ in range(3):
        add(hooks, receiver.url)
    sentence(hooks.post("/v1/webhooks", json={"url": receiver.url}), 422, "VALIDATION_ERROR")


def test_a_process_that_dies_while_it_delivers_loses_nothing(hooks: Client, receiver: Receiver, clock: Clock) -> None:
    hook = add(hooks, receiver.url)
    hooks.post(f"/v1/webhooks/{hook['id']}/test")
    assert len(hooks.service.sender._claim()) == 1
    assert hooks.service.sender.step() == 0
    clock.now += LEASE_SECONDS
    assert hooks.service.sender.step() == 1 and len(receiver.came) == 1


def test_old_uploads_and_deliveries_go(hooks: Client, receiver: Receiver, clock: Clock, tmp_path: Path) -> None:
    hook = add(hooks, receiver.url)
    hooks.post(f"/v1/webhooks/{hook['id']}/test")
    hooks.service.sender.step()
    hooks.upload("old.jpg", b"\xff\xd8old")
    clock.now += 8 * 86_400
    kept = hooks.upload("new.jpg", b"\xff\xd8new")
    hooks.service.chores.tidy()
    with hooks.service.database.reading() as session:
        assert [row.name for row in session.query(Upload)] == ["new.jpg"]
    assert hooks.get(kept).status_code == 200
    assert len([path for path in (tmp_path / "files").rglob("*") if path.is_file()]) == 1
    assert len(log(hooks, hook)) == 1
    clock.now += 31 * 86_400
    hooks.service.chores.tidy()
    assert log(hooks, hook) == []
