"""The calls of the API: what they answer, to whom, and what they say where something is wrong."""

from __future__ import annotations

import base64
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from bithuman_core.service.api import videos
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Agent, Blob, Job
from bithuman_core.service.errors import Unavailable
from tests.service.conftest import Clock, new_database
from tests.service.postgres import Server
from tests.service.serving import MARA, Client, make_service, sentence

JPEG = b"\xff\xd8\xff\xe0 no real picture"
WRONG = "bhc_000000000000_" + "a" * 43


def test_validate_answers_200_to_everybody(service: Service, client: Client) -> None:
    assert client.post("/v1/validate").json() == {"valid": True}
    for secret in (None, "", "nonsense", WRONG):
        answer = Client(service, secret).post("/v1/validate")
        assert (answer.status_code, answer.json()) == (200, {"valid": False})
    secret, row = service.secrets.create("short", ["read"])
    service.secrets.revoke(row.id)
    assert Client(service, secret).post("/v1/validate").json() == {"valid": False}


def test_no_call_is_open_that_is_not_meant_to_be(service: Service) -> None:
    """Every call of the description but these asks for a secret, before it looks at anything else; one asks whose page it is."""
    anybody, open_to_all = Client(service, None), set[str]()
    for path, calls in anybody.get("/openapi.json").json()["paths"].items():
        for method in calls:
            answer = anybody.request(method, path.replace("{code}", "A12ABC3456").replace("{number}", "0123456789ab"))
            if answer.status_code == 401:
                sentence(answer, 401, "MISSING_AUTH")
            else:
                open_to_all.add(path)
    assert open_to_all == {"/v1/validate", "/v1/embed/sessions", "/health", "/ready"}
    sentence(anybody.post("/v1/embed/sessions", json={"agent_code": "A12ABC3456"}), 403, "FORBIDDEN")


def test_a_scope_opens_its_calls_and_no_others(service: Service) -> None:
    reader = Client(service, service.secrets.create("reader", ["read"])[0])
    assert reader.get("/v1/agents").status_code == 200
    for method, path in (
        ("POST", "/v1/files/upload"), ("POST", "/v1/agent/generate"), ("DELETE", "/v1/agent/A12ABC3456"), ("POST", "/v1/tts"),
        ("GET", "/v1/secrets"), ("GET", "/v1/audit"),
    ):  # fmt: skip
        sentence(reader.request(method, path, json={"text": "hello"}), 403, "FORBIDDEN")


def test_a_secret_that_asks_too_often_is_told_when_again(service: Service) -> None:
    slow = Client(service, service.secrets.create("slow", ["read"], per_minute=2)[0])
    assert [slow.get("/v1/agents").status_code for _ in range(3)] == [200, 200, 429]
    answer = slow.get("/v1/agents")
    sentence(answer, 429, "RATE_LIMITED")
    assert 0 < int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    ("method", "path", "said", "status", "code"),
    [
        ("GET", "/nothing", None, 404, "NOT_FOUND"),
        ("PUT", "/v1/agents", None, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/agent/A99XXX9999", None, 404, "AGENT_NOT_FOUND"),
        ("GET", "/v1/agent/status/A99XXX9999", None, 404, "AGENT_NOT_FOUND"),
        ("GET", "/v1/agent/..%2f..%2fetc", None, 404, "NOT_FOUND"),
        ("GET", "/v1/agent/a%00b", None, 404, "NOT_FOUND"),
        ("DELETE", "/v1/agent/A99XXX9999", None, 404, "AGENT_NOT_FOUND"),
        ("POST", "/v1/agent/A99XXX9999", {"name": "x"}, 404, "AGENT_NOT_FOUND"),
        ("POST", "/v1/agent/A99XXX9999", {"name": ""}, 422, "VALIDATION_ERROR"),
        ("GET", "/v1/agents?limit=0", None, 422, "VALIDATION_ERROR"),
        ("GET", "/v1/agents?cursor=nonsense", None, 422, "VALIDATION_ERROR"),
        ("POST", "/v1/tts", {}, 400, "MISSING_PARAM"),
        ("POST", "/v1/tts", {"text": "hello", "voice": "nobody"}, 422, "VALIDATION_ERROR"),
        ("POST", "/v1/agent/generate", {}, 400, "MISSING_PARAM"),
        ("POST", "/v1/agent/generate", {"image": "no base64!"}, 422, "VALIDATION_ERROR"),
        ("POST", "/v1/agent/generate", {"image": "file_0123456789abcdef01234567"}, 404, "NOT_FOUND"),
        ("POST", "/v1/agent/generate", {"image": "http://127.0.0.1:9/x.jpg", "consent": "me"}, 422, "DOWNLOAD_ERROR"),
        ("POST", "/v1/agent/generate", {"image": "http://[::1]/x", "consent": "me"}, 422, "DOWNLOAD_ERROR"),
        ("POST", "/v1/video/generate", {"agent_code": "A99XXX9999", "text": "hello"}, 404, "AGENT_NOT_FOUND"),
        ("POST", "/v1/video/generate", {"agent_code": "A99XXX9999"}, 400, "MISSING_PARAM"),
        ("POST", "/v1/video/generate", {"code": "A99XXX9999", "text": "a", "background": "transparent"}, 422, "VALIDATION_ERROR"),
        ("GET", "/v1/video/status/nothing", None, 404, "NOT_FOUND"),
        ("GET", "/v1/files/nothing", None, 404, "NOT_FOUND"),
        ("DELETE", "/v1/secrets/000000000000", None, 404, "NOT_FOUND"),
        ("POST", "/v1/secrets", {"name": "x", "scopes": ["root"]}, 422, "VALIDATION_ERROR"),
    ],
)  # fmt: skip
def test_what_is_wrong_gets_a_sentence(client: Client, method: str, path: str, said: object, status: int, code: str) -> None:
    sentence(client.request(method, path, json=said), status, code)


def test_bodies_of_other_kinds_get_a_sentence(client: Client) -> None:
    ways = [("text/plain", b"hello", 415, "UNSUPPORTED_TYPE"), ("application/json", b"{", 400, "VALIDATION_ERROR"),
            ("multipart/form-data", b"hello", 400, "VALIDATION_ERROR"), ("application/json", b"[1]", 422, "VALIDATION_ERROR"),
            ("multipart/form-data; boundary=x", b"hello", 400, "VALIDATION_ERROR")]  # fmt: skip
    for kind, body, status, code in ways:
        answer = client.post("/v1/files/upload", content=body, headers={"content-type": kind})
        assert (answer.status_code, kind, answer.json()["error"]["code"]) == (status, kind, code)
    sentence(client.post("/v1/tts", content=b"{", headers={"content-type": "application/json"}), 400, "VALIDATION_ERROR")


def test_other_names_and_pages_of_other_sites_are_refused(client: Client) -> None:
    sentence(client.get("/v1/agents", headers={"host": "evil.example"}), 421, "UNKNOWN_HOST")
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        sentence(client.post("/v1/validate", headers=headers), 403, "FORBIDDEN")


def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    sentence(client.post("/v1/tts", content=b"x" * 200_000), 413, "FILE_TOO_LARGE")
    url = f"sqlite:///{client.service.folder.path / 'small.db'}"
    small = make_service(url, "memory://small", time.time, json_bytes=1000)
    secret, _ = small.secrets.create("small", ["build"])
    sentence(Client(small, secret).post("/v1/files/upload", json={"file_data": "a" * 1000}), 413, "FILE_TOO_LARGE")
    small.close()


@pytest.mark.parametrize("way", ["form", "base64", "data url"])
def test_a_file_comes_back_as_it_was_sent_and_goes_for_good(client: Client, tmp_path: Path, way: str) -> None:
    coded = base64.b64encode(JPEG).decode()
    if way == "form":
        answer = client.post("/v1/files/upload", files={"file": ("me.jpg", JPEG)})
    else:
        data = coded if way == "base64" else f"data:image/jpeg;base64,{coded}"
        answer = client.post("/v1/files/upload", json={"file_data": data, "file_name": "me.jpg", "file_type": "auto"})
    told = answer.json()["data"]
    assert (told["file_size"], told["file_type"], told["mime_type"]) == (len(JPEG), "image", "image/jpeg")
    back = client.get(told["file_url"])
    assert (back.content, back.headers["content-type"]) == (JPEG, "image/jpeg")
    assert client.delete(told["file_url"]).json()["success"]
    sentence(client.get(told["file_url"]), 404, "NOT_FOUND")
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
    sentence(client.post("/v1/files/upload", files={"file": ("run.exe", b"MZ")}), 415, "UNSUPPORTED_TYPE")


def test_an_agent_lives_from_its_file_to_its_end(client: Client, tmp_path: Path) -> None:
    code = client.agent(name="Mara", prompt="You are kind.")
    shown = client.get(f"/v1/agent/status/{code}").json()["data"]
    assert (shown["status"], shown["name"], shown["system_prompt"]) == ("processing", "Mara", "You are kind.")
    sentence(client.get(f"/v1/agent/{code}/model/download"), 409, "AGENT_PROCESSING")
    client.work()
    shown = client.get(f"/v1/agent/{code}").json()["data"]
    assert (shown["status"], shown["error_message"], shown["progress"]) == ("ready", None, 1.0)
    assert client.get(shown["model_url"]).content == MARA.read_bytes()
    assert client.get(shown["image_url"]).content[8:12] == b"WEBP"
    assert client.post(f"/v1/agent/{code}", json={"system_prompt": "You are brief."}).json()["updated"]
    assert client.get(f"/v1/agent/{code}").json()["data"]["system_prompt"] == "You are brief."
    assert client.delete(f"/v1/agent/{code}").json()["success"]
    sentence(client.get(f"/v1/agent/{code}"), 404, "AGENT_NOT_FOUND")
    sentence(client.delete(f"/v1/agent/{code}"), 404, "AGENT_NOT_FOUND")
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == [], "nothing of it is left"
    with client.service.database.reading() as session:
        assert [session.query(table).count() for table in (Agent, Blob, Job)] == [0, 0, 0]


def test_a_photo_needs_consent_and_a_code_is_given_once(client: Client) -> None:
    coded = base64.b64encode(JPEG).decode()
    sentence(client.post("/v1/agent/generate", json={"image": coded}), 403, "CONSENT_REQUIRED")
    sentence(client.post("/v1/agent/generate", json={"image": coded, "consent": "  "}), 403, "CONSENT_REQUIRED")
    assert client.agent(agent_id="my-agent") == "my-agent"
    answer = client.post("/v1/agent/generate", json={"image": coded, "consent": "me", "agent_id": "my-agent"})
    sentence(answer, 409, "AGENT_EXISTS")
    with client.service.database.reading() as session:
        assert session.query(Blob).count() == 1, "the file of the refused one was not kept"


def test_what_is_made_a_day_has_an_end(service: Service) -> None:
    client = Client(service, service.secrets.create("few", ["build", "read"], per_day=1)[0])
    client.agent()
    answer = client.post("/v1/agent/generate", files={"model": ("me.imx", MARA.read_bytes())})
    assert "1 agents and videos" in sentence(answer, 429, "RATE_LIMITED")
    assert client.get("/v1/agents").json()["total"] == 1


def test_two_who_delete_at_once_are_told_apart(client: Client) -> None:
    code = client.agent()
    client.work()
    told = list[int]()
    threads = [threading.Thread(target=lambda: told.append(client.delete(f"/v1/agent/{code}").status_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [200, 404, 404, 404]


def test_who_is_overtaken_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent is deleted between the look at it and the video that wants it."""
    code = client.agent()
    client.work()
    real = videos.take_made

    def deleted_meanwhile(session: Session, *given: Any) -> None:
        session.query(Agent).delete()
        real(session, *given)

    monkeypatch.setattr(videos, "take_made", deleted_meanwhile)
    sentence(client.post("/v1/video/generate", json={"agent_code": code, "text": "hello"}), 409, "CONFLICT")
    monkeypatch.undo()
    assert client.post("/v1/video/generate", json={"agent_code": code, "text": "hello"}).status_code == 200


def add_agents(service: Service, count: int) -> None:
    with service.database.writing() as session:
        session.add_all(
            Agent(
                code=f"A{n:09d}", name=f"Agent {n}", prompt="You are kind. " * 20, status="ready", error=None, consent=None,
                notes=[], model=None, still=None, secret_id="0", created=float(n // 3), updated=0.0,
            )
            for n in range(count)
        )  # fmt: skip


def test_pages_hold_every_agent_once(client: Client) -> None:
    add_agents(client.service, 25)
    seen, cursor = list[str](), None
    while True:
        page = client.get("/v1/agents", params={"limit": 7, **({"cursor": cursor} if cursor else {})}).json()
        seen += [agent["agent_code"] for agent in page["data"]]
        assert page["total"] == 25
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"A{n:09d}" for n in reversed(range(25))], "the newest first, none twice"


def test_ten_thousand_agents_are_listed_in_little_time(client: Client) -> None:
    add_agents(client.service, 10_000)
    times, cursor = [], None
    for _ in range(40):
        begin = time.process_time()
        page = client.get("/v1/agents", params={"limit": 100, **({"cursor": cursor} if cursor else {})}).json()
        times.append(time.process_time() - begin)
        cursor = page["next_cursor"]
    assert np.percentile(times, 95) < 0.1


def test_two_replicas_on_one_postgresql_serve_the_same_agents(postgres: Server, tmp_path: Path, clock: Clock) -> None:
    url, files = new_database(postgres, "replicas"), tmp_path / "files"
    one, two = (make_service(url, files, clock) for _ in range(2))
    secret, row = one.secrets.create("both", ["read", "build"])
    first, second = Client(one, secret), Client(two, secret)
    code = first.agent()
    second.work()
    assert first.get(f"/v1/agent/{code}").json()["data"]["status"] == "ready"
    assert first.get(f"/v1/agent/{code}/model/download").content == MARA.read_bytes()
    token = first.post("/v1/runtime-tokens/request").json()["data"]["token"]
    assert two.tokens.read(token, "bithuman-runtime")["sub"] == row.id
    assert second.delete(f"/v1/agent/{code}").status_code == 200
    sentence(first.get(f"/v1/agent/{code}"), 404, "AGENT_NOT_FOUND")
    one.secrets.revoke(row.id)
    sentence(second.get("/v1/agents"), 401, "UNAUTHORIZED")
    one.close()
    two.close()


def test_a_database_that_is_away_is_told_and_comes_back(postgres: Server, tmp_path: Path, clock: Clock) -> None:
    service = make_service(new_database(postgres, "away"), tmp_path / "files", clock)
    client = Client(service, service.secrets.create("tests", ["read"])[0])
    assert client.get("/ready").status_code == client.get("/v1/agents").status_code == 200
    postgres.stop()
    try:
        for path in ("/ready", "/v1/agents"):
            answer = client.get(path)
            sentence(answer, 503, "SERVICE_UNAVAILABLE")
            assert int(answer.headers["retry-after"]) > 0
        sentence(client.post("/v1/validate"), 503, "SERVICE_UNAVAILABLE")
        assert client.get("/health").status_code == 200
    finally:
        postgres.start()
    assert client.get("/ready").status_code == client.get("/v1/agents").status_code == 200
    service.close()


def test_a_storage_that_is_away_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise Unavailable("The storage of files does not answer: try again in a minute.")

    monkeypatch.setattr(client.service.storage, "check", away)
    sentence(client.get("/ready"), 503, "SERVICE_UNAVAILABLE")


def test_secrets_are_made_and_revoked_by_an_admin(service: Service, client: Client) -> None:
    made = client.post("/v1/secrets", json={"name": "website", "scopes": ["read"], "days": 1}).json()["data"]
    other = Client(service, made["secret"])
    assert other.get("/v1/agents").status_code == 200
    listed = client.get("/v1/secrets")
    assert made["secret"] not in listed.text and made["id"] in listed.text and "argon2" not in listed.text
    assert client.delete(f"/v1/secrets/{made['id']}").status_code == 200
    sentence(other.get("/v1/agents"), 401, "UNAUTHORIZED")
    actions = [line["action"] for line in client.get("/v1/audit").json()["data"]]
    assert actions[:3] == ["ask", "secret.revoke", "secret.create"]


def test_metrics_count_routes_and_not_addresses(client: Client) -> None:
    for code in ("A11AAA1111", "A22BBB2222"):
        client.get(f"/v1/agent/{code}")
    told = client.get("/metrics").text
    assert 'bithuman_requests_total{method="GET",route="/v1/agent/{code}",status="404"} 2.0' in told
    assert "A11AAA1111" not in told and "bithuman_queue 0.0" in told


def test_metrics_tell_of_work_before_and_after_it_is_done(client: Client) -> None:
    def told(name: str) -> float:
        return float(next(line for line in client.get("/metrics").text.splitlines() if line.startswith(name + " ")).split()[-1])

    done = 'bithuman_jobs_total{kind="agent",outcome="done"}'
    client.agent()
    assert (told("bithuman_jobs_waiting"), told("bithuman_jobs_running"), told(done)) == (1.0, 0.0, 0.0)
    client.work()
    assert (told("bithuman_jobs_waiting"), told("bithuman_queue"), told(done)) == (0.0, 0.0, 1.0)
    assert 'bithuman_jobs_total{kind="video",outcome="failed"} 0.0' in client.get("/metrics").text, "a first one is one more"


def test_speech_is_sound_of_every_format(client: Client) -> None:
    import io

    import av

    for form in ("wav", "mp3", "opus", "aac", "flac"):
        answer = client.post("/v1/tts", json={"text": "hello world", "format": form})
        assert answer.status_code == 200, answer.text
        with av.open(io.BytesIO(answer.content)) as sound:
            seconds = sum(frame.samples / frame.sample_rate for frame in sound.decode(audio=0))
        assert seconds == pytest.approx(1.1, abs=0.15), form
    bare = client.post("/v1/audio/speech", json={"model": "tts-1", "input": "hello", "voice": "alloy", "response_format": "pcm"})
    assert len(bare.content) == 2 * 24_000 * 5 // 10
    assert [voice["id"] for voice in client.get("/v1/voices").json()["voices"]] == ["hum", "low"]


def test_openais_client_speaks_here(client: Client) -> None:
    openai = pytest.importorskip("openai")
    key = client.headers.pop("api-secret")
    theirs = openai.OpenAI(base_url="http://127.0.0.1/v1", api_key=key, http_client=client, max_retries=0)
    said = theirs.audio.speech.create(model="tts-1", voice="nova", input="hello", response_format="flac")
    assert said.content[:4] == b"fLaC"
    with pytest.raises(openai.AuthenticationError):
        theirs.with_options(api_key=WRONG).audio.speech.create(model="tts-1", voice="nova", input="hello")


def test_the_file_of_a_photo_is_gone_once_the_agent_is_refused(client: Client, tmp_path: Path) -> None:
    code = client.agent(image=client.upload("me.jpg", JPEG), consent="I am the person in the photo")
    client.work()
    shown = client.get(f"/v1/agent/{code}").json()["data"]
    assert shown["status"] == "failed" and len(shown["error_message"]) > 20 and "/tmp" not in shown["error_message"]
    sentence(client.get(f"/v1/agent/{code}/model/download"), 400, "AGENT_FAILED")
    sentence(client.post("/v1/video/generate", json={"agent_code": code, "text": "hello"}), 400, "AGENT_FAILED")
    assert len([path for path in (tmp_path / "files").rglob("*") if path.is_file()]) == 1, "the upload itself alone"


def test_a_code_that_is_none_is_told_in_words(client: Client) -> None:
    asked = client.post("/v1/agent/generate", data={"agent_id": "ME", "consent": "me"}, files={"image": ("me.jpg", b"x")})
    assert "3 to 32 letters" in sentence(asked, 422, "VALIDATION_ERROR")
    assert "3 to 32 letters" in sentence(client.get("/v1/agent/ME"), 422, "VALIDATION_ERROR")
