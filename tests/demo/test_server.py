"""The addresses beside Gradio's: the start page, health, pictures, signalling, presence. No browser, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.routes.body_guard import BodyGuard
from bithuman_core.demo.visitors.uploads import Uploads
from tests.demo.serving import demo_app
from tests.simulated import SimulatedClock

LIMITS = Limits(visitors=12)
HALF = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video x y z\r\n"


@pytest.fixture(scope="module")
def client(gallery: Gallery) -> Iterator[TestClient]:
    with TestClient(demo_app(gallery, places=1, limits=LIMITS)) as client:
        yield client


@pytest.fixture
def secret(client: TestClient) -> Iterator[str]:
    secret = client.post("/visit").json()["visit"]
    yield secret
    client.post("/visit/leave", content=secret)


def sentence(answer: Any, status: int) -> str:
    """What a refused request says: one clear sentence, and no place on the server."""
    assert answer.status_code == status, answer.text
    text = answer.json()["error"]
    assert text[-1] == "." and len(text) > 20
    assert "/tmp" not in text and str(Path.home()) not in text and "bithuman-page" not in text
    return text


def test_the_start_page_asks_no_other_host_and_brings_our_files(client: TestClient) -> None:
    page = client.get("/").text
    assert "http://" not in page.split("window.gradio_config")[0] and "https://" not in page.split("window.gradio_config")[0]
    assert "cloudflare" not in page and 'href="https://' not in page and 'src="https://' not in page
    for file in ("stage/page.css", "stage/stage.css", "stage/element.js"):
        assert file in page
        assert client.get("/" + file).status_code == 200
    assert "/avatars/mara/still.webp" in page or "avatars/mara/still.webp" in page  # there is something to see at once


def test_every_script_of_the_page_has_its_nonce_and_another_each_time(client: TestClient) -> None:
    nonces = set()
    for _ in range(2):
        answer = client.get("/")
        policy = answer.headers["content-security-policy"]
        nonce = policy.split("'nonce-")[1].split("'")[0]
        assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce}"')
        nonces.add(nonce)
    assert len(nonces) == 2


def test_every_answer_forbids_what_is_not_ours(client: TestClient) -> None:
    for path in ("/", "/stage/element.js", "/health", "/avatars/mara/still.webp", "/config", "/nothing"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "default-src 'none'" in policy and "unsafe" not in scripts
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_health_says_how_many_are_here(client: TestClient, secret: str) -> None:
    health = client.get("/health").json()
    assert health["status"] == "ok" and health["live"] == 0 and health["places"] == 1 and health["pages"] >= 1


def test_an_avatar_has_a_still_and_a_film(client: TestClient) -> None:
    assert client.get("/avatars/theo/still.webp").content[8:12] == b"WEBP"
    film = client.get("/avatars/theo/idle.mp4", headers={"Range": "bytes=0-99"})
    assert film.status_code == 206 and film.content[4:8] == b"ftyp"
    sentence(client.get("/avatars/nobody/still.webp"), 404)


def test_a_page_that_nobody_knows_is_told_to_reload(client: TestClient) -> None:
    assert "reload" in sentence(client.post("/visit/place", headers={"X-Visit": "guessed"}), 410)
    assert "reload" in sentence(client.post("/visit/place"), 410)


def test_so_many_pages_and_no_more(client: TestClient) -> None:
    secrets = [client.post("/visit").json()["visit"] for _ in range(LIMITS.visitors - client.get("/health").json()["pages"])]
    assert "try again" in sentence(client.post("/visit"), 503)
    for secret in secrets:
        client.post("/visit/leave", content=secret)
    assert client.get("/health").json()["pages"] < LIMITS.visitors


@pytest.mark.parametrize("sdp", ["", "v=0", "v=0\r\nm=audio", HALF, "\0" * 999])
def test_a_broken_offer_gets_a_sentence_and_takes_no_place(client: TestClient, secret: str, sdp: str) -> None:
    body, headers = {"type": "offer", "webrtc_id": "abcdefgh1234", "sdp": sdp}, {"X-Visit": secret}
    answer = client.post("/webrtc/offer", json=body, headers=headers)
    if answer.status_code != 200:  # an offer of nothing is a valid one, and harmless
        sentence(answer, 422)
    client.post("/visit/hang-up/abcdefgh1234", headers=headers)
    assert client.get("/health").json()["live"] == 0


def test_a_candidate_for_a_stranger_is_refused(client: TestClient, secret: str) -> None:
    body = {"type": "ice-candidate", "webrtc_id": "abcdefgh1234", "candidate": {"candidate": "x"}}
    sentence(client.post("/webrtc/offer", json=body, headers={"X-Visit": secret}), 409)


@pytest.mark.parametrize("body", [{}, {"type": 5}, {"type": "offer", "webrtc_id": "a"}, [], "offer"])
def test_a_request_that_makes_no_sense_gets_a_sentence(client: TestClient, secret: str, body: Any) -> None:
    sentence(client.post("/webrtc/offer", json=body, headers={"X-Visit": secret}), 422)


@pytest.mark.parametrize("path", ["/webrtc/offer", "/visit/leave", "/local/action", "/gradio_api/queue/join", "/nothing"])
def test_a_body_that_is_no_file_is_held_to_128_kib(client: TestClient, path: str) -> None:
    assert "larger than the 128 KiB" in sentence(client.post(path, content=bytes(128 * 1024 + 1)), 413)


async def test_a_body_that_does_not_say_its_size_is_cut_off_while_it_is_read() -> None:
    taken = 0

    async def read_all(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] == "http.request":
            pass

    async def endless() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": bytes(64 * 1024), "more_body": True}

    async def answered(message: Any) -> None:
        told.append(message)

    clock, told = SimulatedClock(), list[Any]()
    scope = {"type": "http", "method": "POST", "path": "/webrtc/offer", "headers": []}
    await BodyGuard(read_all, LIMITS, Uploads(LIMITS, clock), clock)(scope, endless, answered)
    assert taken == 3 and [message.get("status") for message in told] == [413, None]


def test_another_site_cannot_act_in_a_visitors_browser(client: TestClient) -> None:
    pages = client.get("/health").json()["pages"]
    sentence(client.post("/visit", headers={"Sec-Fetch-Site": "cross-site"}), 403)
    assert client.get("/health").json()["pages"] == pages
    assert client.post("/visit/leave", content="x", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 204


def line_of(client: TestClient, secret: str | bytes) -> int:
    """The close code of a line that says this first, and then one word more."""
    with client.websocket_connect("/visit/presence") as line:
        (line.send_text if isinstance(secret, str) else line.send_bytes)(secret)  # type: ignore[operator]
        line.send_text("a word too many")
        with pytest.raises(WebSocketDisconnect) as ended:
            line.receive_text()
    return ended.value.code


def test_a_pages_line_stands_while_it_says_nothing_more(client: TestClient, secret: str) -> None:
    visitors = client.app.state.context.visitors  # type: ignore[attr-defined]
    visit = visitors.find(secret)
    with client.websocket_connect("/visit/presence") as line:
        line.send_text(secret)
        while not visit.lines:
            client.get("/health")  # the server's turn
        assert visit.lines == 1
    while visit.lines:
        client.get("/health")
    assert visitors.find(visit.secret) is visit  # what was brought stays: it may be only the network
    assert [line_of(client, secret) for secret in (visit.secret, "guessed", b"\x00")] == [1008] * 3
