"""What the page asks of the server: coming, choosing, bringing along, speaking, leaving. No browser, no network."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.websockets import WebSocketDisconnect

from bithuman_core import voice as tts
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.jobs import Report
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.uploads import save_body
from bithuman_core.demo.server import avatar_app
from bithuman_core.errors import BuildError
from bithuman_core.settings import models_dir

PAGE = Path(__file__).resolve().parents[2] / "assets" / "page"
IMX = models_dir() / "erik.imx"
LIMITS = Limits(visitors=12, avatars=2, avatar_bytes=8 * 2**20, audio_bytes=2**20, audio_seconds=2.0, photo_bytes=2**20)
BAD_PHOTO = b"a cat"


def fake_build(photo: bytes, out: Path, name: str, report: Report) -> list[str]:
    """Makes the same face of every photo."""
    report("finding the face", 0.5)
    if photo == BAD_PHOTO:
        raise BuildError("no face was found in the photo: use one of a person from the front")
    out.write_bytes(IMX.read_bytes())
    return ["The face is small"]


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery([models_dir() / "mara.imx", models_dir() / "theo.imx"])


@pytest.fixture(scope="module")
def client(gallery: Gallery) -> Iterator[TestClient]:
    with TestClient(avatar_app(gallery, places=1, files=PAGE, limits=LIMITS, build=fake_build)) as client:
        yield client


class Visitor:
    """One page, without a browser."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.told: dict[str, Any] = client.post("/visit").json()
        self.headers = {"X-Visit": self.told["visit"]}

    def post(self, path: str, content: bytes | None = None, name: str = "", **headers: str) -> Any:
        named = {"X-File-Name": name} if name else {}
        return self._client.post(path, content=content, headers={**self.headers, **named, **headers})

    def say(self, **text: str) -> Any:
        return self._client.post("/visit/text", json={"voice": "en-us", "timbre": "woman", **text}, headers=self.headers)

    def lines(self, path: str, content: bytes | None = None, **headers: str) -> list[dict[str, Any]]:
        answer = self.post(path, content, **headers)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def leave(self) -> None:
        self._client.post("/visit/leave", content=self.told["visit"])


@pytest.fixture
def visitor(client: TestClient) -> Iterator[Visitor]:
    visitor = Visitor(client)
    yield visitor
    visitor.leave()


def wav(seconds: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(np.arange(round(seconds * 8000)) / 5), 8000, format="WAV")
    return file.getvalue()


def sentence(answer: Any, status: int) -> str:
    """What a refused request says: one clear sentence, and no place on the server."""
    assert answer.status_code == status, answer.text
    text = answer.json()["error"]
    assert text[-1] == "." and len(text) > 20
    assert "/tmp" not in text and str(Path.home()) not in text and "bithuman-visit" not in text
    return text


def test_the_page_shows_its_first_avatar_before_any_script_runs(client: TestClient) -> None:
    page = client.get("/").text
    assert '<img class="still" src="avatars/mara/still.webp" width="512" height="512"' in page
    assert "$" not in page


def test_every_answer_forbids_what_is_not_ours(client: TestClient) -> None:
    for path in ("/", "/page/page.js", "/health", "/avatars/mara/still.webp", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy


def test_the_health_says_how_many_are_here(client: TestClient, visitor: Visitor) -> None:
    health = client.get("/health").json()
    assert health["status"] == "ok" and health["live"] == 0 and health["places"] == 1 and health["pages"] >= 1


def test_an_avatar_has_a_still_and_a_film(client: TestClient) -> None:
    assert client.get("/avatars/theo/still.webp").content[8:12] == b"WEBP"
    film = client.get("/avatars/theo/idle.mp4", headers={"Range": "bytes=0-99"})
    assert film.status_code == 206 and film.content[4:8] == b"ftyp"


def test_a_page_that_nobody_knows_is_told_to_reload(client: TestClient) -> None:
    assert "reload" in sentence(client.post("/visit/avatar/theo", headers={"X-Visit": "guessed"}), 410)
    assert "reload" in sentence(client.post("/visit/avatar/theo"), 410)


def test_an_avatar_can_be_chosen(visitor: Visitor) -> None:
    assert visitor.post("/visit/avatar/theo").json()["name"] == "Theo"
    sentence(visitor.post("/visit/avatar/nobody"), 404)


def test_an_own_avatar_is_for_its_visitor_alone_and_goes_with_the_visit(client: TestClient) -> None:
    owner, other = Visitor(client), Visitor(client)
    card = owner.post("/visit/avatars", IMX.read_bytes(), "my%20face.imx").json()
    assert card["own"] and card["name"] == "Erik" and "nod" in card["gestures"]
    assert owner.post(f"/visit/avatar/{card['key']}").status_code == 200
    sentence(other.post(f"/visit/avatar/{card['key']}"), 404)
    assert card["key"] not in client.post("/visit").text
    file = client.get(f"/avatars/{card['key']}/file.imx")
    assert file.content == IMX.read_bytes() and "my%20face.imx" in file.headers["content-disposition"]
    owner.leave()
    sentence(client.get(f"/avatars/{card['key']}/file.imx"), 404)
    sentence(client.get(f"/avatars/{card['key']}/still.webp"), 404)
    other.leave()


def test_an_own_avatar_can_be_removed(client: TestClient, visitor: Visitor) -> None:
    key = visitor.post("/visit/avatars", IMX.read_bytes(), "a.imx").json()["key"]
    visitor.post(f"/visit/avatar/{key}")
    client.delete(f"/visit/avatars/{key}", headers=visitor.headers)
    sentence(visitor.post(f"/visit/avatar/{key}"), 404)


def test_so_many_own_avatars_and_no_more(visitor: Visitor) -> None:
    for _ in range(LIMITS.avatars):
        assert visitor.post("/visit/avatars", IMX.read_bytes(), "a.imx").status_code == 200
    assert "remove one" in sentence(visitor.post("/visit/avatars", IMX.read_bytes(), "a.imx"), 409)


@pytest.mark.parametrize(
    ("content", "status", "word"),
    [
        (b"", 400, "empty"),
        (b"IMX\0" + bytes(2000), 422, "commercial"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), 422, "not an avatar"),
        (IMX.read_bytes()[:100_000], 422, "damaged"),
        (bytes(LIMITS.avatar_bytes + 1), 413, "larger than the 8 MiB"),
    ],
)
def test_a_file_that_is_no_avatar_gets_its_sentence(visitor: Visitor, content: bytes, status: int, word: str) -> None:
    assert word in sentence(visitor.post("/visit/avatars", content, "..%2F..%2Fetc%2Fpasswd.imx"), status)


def test_all_visitors_together_fill_the_server_with_avatars_up_to_its_limit(gallery: Gallery) -> None:
    limits = Limits(avatars=2, avatars_all=3)
    with TestClient(avatar_app(gallery, places=1, files=PAGE, limits=limits)) as client:
        visitors = [Visitor(client), Visitor(client)]
        answers = [visitor.post("/visit/avatars", IMX.read_bytes(), "a.imx") for visitor in visitors for _ in range(2)]
        assert [answer.status_code for answer in answers[:3]] == [200] * 3
        assert "some minutes" in sentence(answers[3], 503)
        visitors[0].leave()
        assert visitors[1].post("/visit/avatars", IMX.read_bytes(), "a.imx").status_code == 200


def test_an_upload_that_does_not_say_its_size_is_refused_as_well(client: TestClient, visitor: Visitor) -> None:
    pieces = iter([bytes(2**20)] * (2 + LIMITS.avatar_bytes // 2**20))
    sentence(client.post("/visit/avatars", content=(piece for piece in pieces), headers=visitor.headers), 413)


async def test_an_upload_is_cut_off_while_it_is_read(tmp_path: Path) -> None:
    """Nothing of it is read beyond the limit, and nothing beyond the limit is ever written."""
    taken = 0

    async def endless() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": bytes(2**20), "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, endless)
    with pytest.raises(Refusal) as refused:
        await save_body(request, tmp_path / "file", 3 * 2**20, 60)
    assert refused.value.status == 413
    assert taken == 4
    assert (tmp_path / "file").stat().st_size == 3 * 2**20


async def test_an_upload_that_never_ends_is_given_up(tmp_path: Path) -> None:
    async def stalled() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()

    with pytest.raises(Refusal) as refused:
        await save_body(Request({"type": "http", "method": "POST", "headers": []}, stalled), tmp_path / "file", 2**20, 0.01)
    assert refused.value.status == 408


def test_a_photo_becomes_an_avatar_with_its_stages(client: TestClient, visitor: Visitor) -> None:
    lines = visitor.lines("/visit/photo", b"a face", **{"X-Consent": "yes", "X-File-Name": "Ada"})
    assert {"stage": "finding the face", "share": 0.5} in lines
    card = lines[-1]["done"]
    assert card["own"] and card["notes"] == ["The face is small."]
    assert client.get(f"/avatars/{card['key']}/file.imx").headers["content-disposition"].endswith('filename="Ada.imx"')


def test_a_photo_needs_consent(visitor: Visitor) -> None:
    assert "agrees" in sentence(visitor.post("/visit/photo", b"a face"), 403)


def test_a_bad_photo_gets_the_sentence_of_the_builder(visitor: Visitor) -> None:
    lines = visitor.lines("/visit/photo", BAD_PHOTO, **{"X-Consent": "yes"})
    assert lines[-1] == {"error": "No face was found in the photo: use one of a person from the front."}


def test_a_sound_file_can_be_said_and_filmed(client: TestClient, visitor: Visitor) -> None:
    clip = visitor.post("/visit/audio", wav(0.4), "my%20words.wav").json()
    assert clip["name"] == "my words.wav" and clip["seconds"] == pytest.approx(0.4, abs=0.01)
    *progress, last = visitor.lines(f"/visit/video/{clip['clip']}")
    shares = [line["share"] for line in progress]
    assert shares == sorted(shares) and len(shares) > 2
    film = client.get("/" + last["done"]["address"])
    assert film.content[4:8] == b"ftyp" and last["done"]["name"] == "Mara - my words.mp4"
    other = Visitor(client)
    sentence(other.post(f"/visit/video/{clip['clip']}"), 404)
    other.leave()


@pytest.mark.parametrize(
    ("content", "status", "word"),
    [(b"no sound at all" * 99, 422, "cannot be read as audio"), (wav(3), 422, "longer"), (bytes(2**20 + 1), 413, "larger")],
)
def test_a_file_that_cannot_be_said_gets_its_sentence(visitor: Visitor, content: bytes, status: int, word: str) -> None:
    answer = visitor.post("/visit/audio", content, "x.wav")
    assert answer.status_code == status and word in answer.json()["error"] and "/tmp" not in answer.text


def test_a_text_is_spoken_where_there_is_a_voice(visitor: Visitor) -> None:
    answer = visitor.say(text="Hello, nice to meet you.")
    if not visitor.told["voices"]:
        assert sentence(answer, 422) == tts.HOW_TO_GET_IT
        return
    assert 1 < answer.json()["seconds"] < 5
    assert {"en-us", "de", "es"} <= {voice["id"] for voice in visitor.told["voices"]}


@pytest.mark.parametrize("text", ["", " \n ", "a" * (LIMITS.text + 1), "a" * 30_000])
def test_a_text_that_cannot_be_spoken_gets_its_sentence(visitor: Visitor, text: str) -> None:
    sentence(visitor.say(text=text), 422)


@pytest.mark.parametrize("voice", [{"voice": "klingon"}, {"voice": "../../etc/passwd"}, {"timbre": "+croak"}])
def test_only_voices_that_are_there_can_be_asked_for(visitor: Visitor, voice: dict[str, str]) -> None:
    sentence(visitor.say(text="Hello", **voice), 422)


def test_who_asks_too_much_waits_and_the_others_do_not(client: TestClient, visitor: Visitor) -> None:
    answers = [visitor.post("/visit/audio", b"x", "x.wav").status_code for _ in range(LIMITS.requests + 5)]
    assert answers[0] == 422 and answers[-1] == 429
    other = Visitor(client)
    assert other.post("/visit/audio", wav(0.1), "x.wav").status_code == 200
    other.leave()


def test_so_many_pages_and_no_more(client: TestClient) -> None:
    visitors = [Visitor(client) for _ in range(LIMITS.visitors) if client.get("/health").json()["pages"] < LIMITS.visitors]
    assert "try again" in sentence(client.post("/visit"), 503)
    for visitor in visitors:
        visitor.leave()
    assert client.get("/health").json()["pages"] < LIMITS.visitors


HALF = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video x y z\r\n"


@pytest.mark.parametrize("sdp", ["", "v=0", "v=0\r\nm=audio", HALF, "\0" * 999])
def test_a_broken_offer_gets_a_sentence_and_takes_no_place(client: TestClient, visitor: Visitor, sdp: str) -> None:
    body = {"type": "offer", "webrtc_id": "abcdefgh1234", "sdp": sdp}
    answer = client.post("/webrtc/offer", json=body, headers=visitor.headers)
    if answer.status_code != 200:  # an offer of nothing is a valid one, and harmless
        sentence(answer, 422)
    visitor.post("/visit/hang-up/abcdefgh1234")
    assert client.get("/health").json()["live"] == 0


def test_a_candidate_for_a_stranger_is_refused(client: TestClient, visitor: Visitor) -> None:
    body = {"type": "ice-candidate", "webrtc_id": "abcdefgh1234", "candidate": {"candidate": "x"}}
    sentence(client.post("/webrtc/offer", json=body, headers=visitor.headers), 409)


@pytest.mark.parametrize("body", [{}, {"type": 5}, {"type": "offer", "webrtc_id": "a"}, [], "offer"])
def test_a_request_that_makes_no_sense_gets_a_sentence(client: TestClient, visitor: Visitor, body: Any) -> None:
    sentence(client.post("/webrtc/offer", json=body, headers=visitor.headers), 422)


def line_of(client: TestClient, secret: str | bytes) -> int:
    """The close code of a line that says this first, and then one word more."""
    with client.websocket_connect("/visit/presence") as line:
        (line.send_text if isinstance(secret, str) else line.send_bytes)(secret)  # type: ignore[operator]
        line.send_text("a word too many")
        with pytest.raises(WebSocketDisconnect) as ended:
            line.receive_text()
    return ended.value.code


def test_a_pages_line_stands_while_it_says_nothing_more(client: TestClient, visitor: Visitor) -> None:
    visitors = client.app.state.context.visitors  # type: ignore[attr-defined]
    visit = visitors.find(visitor.told["visit"])
    with client.websocket_connect("/visit/presence") as line:
        line.send_text(visitor.told["visit"])
        while not visit.lines:
            client.get("/health")  # the server's turn
        assert visit.lines == 1
    while visit.lines:
        client.get("/health")
    assert visitors.find(visit.secret) is visit  # what was brought stays: it may be only the network
    assert [line_of(client, secret) for secret in (visit.secret, "guessed", b"\x00")] == [1008] * 3
