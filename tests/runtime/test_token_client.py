"""A token server of one's own: asked only where it is named, over real HTTP; secrets stay where they belong."""

from __future__ import annotations

import base64
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from bithuman_core import AsyncBithuman, Bithuman
from bithuman_core.errors import AccountStatusError, TokenError, TokenExpiredError, TokenRequestError, TokenValidationError
from bithuman_core.runtime.token_client import Access, jwt_expiry, token_server
from bithuman_core.settings import models_dir, settings

SECRET = "s3cret-of-the-test"


class Server:
    """A real HTTP server. ``answers`` maps a path to JSON, or to a callable of the secret that gives a response."""

    def __init__(self, **options: Any) -> None:
        self.answers: dict[str, Any] = {
            "/v1/validate": lambda secret: {"valid": secret == SECRET},
            "/v1/runtime-tokens/request": {"token": "token-1", "expires_in": 100},
        }
        self.asked: list[str] = []
        app = FastAPI()

        @app.post("/{path:path}")
        async def answer(path: str, request: Request) -> Response:
            self.asked.append("/" + path)
            made = self.answers["/" + path]
            if isinstance(made, Response):  # itself callable
                return made
            return JSONResponse(made(request.headers.get("api-secret", "")) if callable(made) else made)

        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if "ssl_certfile" in options else "http"
        self.url = f"{scheme}://localhost:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", **options))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})

    def __enter__(self) -> Server:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server() as made:
        yield made


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    kept, running.asked = dict(running.answers), []
    yield running
    running.answers = kept


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(server: Server, now: Callable[[], float] = time.monotonic) -> Access:
    access = Access(server.url, SECRET, now=now)
    access.open()
    return access


def settle(access: Access) -> None:
    """Wait for the renewal that runs in the background."""
    if access._pending is not None:
        access._pending.exception()


def test_nobody_is_asked_on_one_machine() -> None:
    assert token_server(None, None) is None
    assert token_server("https://auth.api.bithuman.ai/v1/runtime-tokens/request", None) is None
    assert token_server("https://auth.api.bithuman.ai/v1/x", "https://mine.example:8080/v1/validate") == "https://mine.example:8080"
    assert token_server("http://localhost:9000/avatars/v1/runtime-tokens/request", None) == "http://localhost:9000/avatars"


@pytest.mark.parametrize("url", ["ftp://mine.example", "http://", "mine.example", "http://user:pass@mine.example"])
def test_what_is_no_address_gets_a_sentence(url: str) -> None:
    with pytest.raises(TokenRequestError, match="correct or unset it") as caught:
        token_server(None, url)
    assert "pass@" not in str(caught.value)


async def test_a_valid_secret_runs(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITHUMAN_API_URL", server.url)
    monkeypatch.setenv("BITHUMAN_API_KEY", SECRET)
    async with await AsyncBithuman.create(model_path=models_dir() / "mara.imx") as runtime:
        assert server.asked == ["/v1/validate", "/v1/runtime-tokens/request"]
        assert runtime.is_token_validated()
        assert 90 < runtime.get_expiration_time() - time.time() <= 100
        async for frame in runtime.run():
            assert frame.has_image
            break
    assert not runtime.is_token_validated()


async def test_no_server_no_question(server: Server) -> None:
    async with await AsyncBithuman.create(model_path=models_dir() / "mara.imx", api_secret="whatever") as runtime:
        assert runtime.is_token_validated()
        assert runtime.get_expiration_time() == -1
    assert server.asked == []


def test_an_invalid_secret_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITHUMAN_API_URL", server.url)
    with pytest.raises(TokenValidationError, match="not valid"):
        Bithuman.create(api_secret="wrong")
    with pytest.raises(TokenValidationError, match="set BITHUMAN_API_SECRET"):
        Bithuman.create()
    with pytest.raises(TokenValidationError, match="characters"):
        Bithuman.create(api_secret="schlüssel\n")


@pytest.mark.parametrize(
    ("path", "answer", "kind"),
    [
        ("/v1/validate", {"valid": "yes"}, TokenRequestError),
        ("/v1/validate", ["valid"], TokenRequestError),
        ("/v1/validate", Response("<html>", 200), TokenRequestError),
        ("/v1/validate", Response("x" * 100_000, 200), TokenRequestError),
        ("/v1/validate", Response(status_code=500), TokenRequestError),
        ("/v1/validate", Response(status_code=302, headers={"location": "http://localhost:1"}), TokenRequestError),
        ("/v1/validate", Response(status_code=401), TokenValidationError),
        ("/v1/validate", Response(status_code=402), AccountStatusError),
        ("/v1/runtime-tokens/request", {"token": ""}, TokenRequestError),
        ("/v1/runtime-tokens/request", {"token": 5}, TokenRequestError),
        ("/v1/runtime-tokens/request", {"token": "t", "expires_in": -3}, TokenExpiredError),
        ("/v1/runtime-tokens/request", Response(status_code=403), AccountStatusError),
    ],
)
def test_lying_servers_get_a_sentence(server: Server, path: str, answer: Any, kind: type[TokenError]) -> None:
    server.answers[path] = answer
    with pytest.raises(kind) as caught:
        opened(server)
    assert SECRET not in str(caught.value)
    assert str(caught.value).startswith(f"[{kind.default_code}] ")


def test_the_token_may_lie_under_data(server: Server) -> None:
    server.answers["/v1/runtime-tokens/request"] = {"data": {"token": "inner", "expires_in": 50}}
    access = opened(server)
    assert access.token == "inner"
    access.close()
    assert access.token is None


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TokenRequestError, match="cannot be reached"):
        Access(f"http://127.0.0.1:{port}", SECRET).open()


def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bithuman_core.runtime.token_client.TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TokenRequestError, match="did not answer within"):
        Access(f"http://127.0.0.1:{silent.getsockname()[1]}", SECRET).open()


def test_a_server_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        with pytest.raises(TokenRequestError, match="cannot be reached"):
            Access(f"http://127.0.0.1:{listener.getsockname()[1]}", SECRET).open()
        thread.join()


def test_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    key, certificate = _self_signed(tmp_path)
    with Server(ssl_keyfile=str(key), ssl_certfile=str(certificate)) as https:
        with pytest.raises(TokenRequestError, match="certificate"):
            opened(https)
        access = Access(https.url, SECRET, insecure=True)
        access.open()
        assert access.validated
        access.close()


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for localhost (aiortc's own dependency makes them)."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    plain = serialization.NoEncryption()
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    assert ssl.create_default_context(cafile=str(certificate)).cert_store_stats()["x509"] >= 1
    return key, certificate


def test_the_token_is_renewed_before_it_ends(server: Server) -> None:
    now = Time()
    access = opened(server, now)
    server.answers["/v1/runtime-tokens/request"] = {"token": "token-2", "expires_in": 100}
    now.now = 79.0
    access.check()
    settle(access)
    assert access.token == "token-1"
    now.now = 81.0
    access.check()
    settle(access)
    access.check()
    assert access.token == "token-2"
    access.close()


def test_five_minutes_of_outage_are_tolerated_and_no_more(server: Server) -> None:
    now = Time()
    access = opened(server, now)
    server.answers["/v1/runtime-tokens/request"] = Response(status_code=503)

    def live_until(end: float) -> None:
        while now.now < end:
            now.now += 6.0
            access.check()
            settle(access)

    live_until(80.0 + 290.0)
    server.answers["/v1/runtime-tokens/request"] = {"token": "back", "expires_in": 100}
    live_until(80.0 + 310.0)
    assert access.token == "back", "an outage that ends in time leaves no trace"
    server.answers["/v1/runtime-tokens/request"] = Response(status_code=503)
    with pytest.raises(TokenRequestError):
        live_until(now.now + 100.0 + 320.0)
    assert not access.validated
    with pytest.raises(TokenRequestError):
        access.check()
    access.close()


def test_a_refusal_ends_access_at_once(server: Server) -> None:
    now = Time()
    access = opened(server, now)
    server.answers["/v1/runtime-tokens/request"] = Response(status_code=402)
    now.now = 81.0
    access.check()
    settle(access)
    with pytest.raises(AccountStatusError):
        access.check()
    access.close()


def _jwt(claims: Any) -> str:
    return "h." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".s"


def test_a_token_alone_lives_as_long_as_it_says(server: Server) -> None:
    now = Time()
    access = Access(server.url, None, _jwt({"exp": int(time.time()) + 50}), now=now)
    access.open()
    assert server.asked == []
    access.check()
    now.now = 51.0
    with pytest.raises(TokenExpiredError, match="set_token"):
        access.check()
    access.replace(_jwt({"exp": int(time.time()) + 500}))
    access.check()
    with pytest.raises(TokenExpiredError):
        access.replace(_jwt({"exp": int(time.time()) - 1}))
    access.close()


@pytest.mark.parametrize("token", ["", "a.b.c", "a.b", _jwt([1]), _jwt({"exp": "soon"}), _jwt({"exp": True}), "h.////.s"])
def test_other_tokens_have_no_end(token: str) -> None:
    assert jwt_expiry(token) is None


async def test_the_secret_shows_up_nowhere(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BITHUMAN_API_URL", server.url)
    monkeypatch.setenv("BITHUMAN_API_SECRET", SECRET)
    with caplog.at_level(logging.DEBUG):
        runtime = await AsyncBithuman.create(model_path=models_dir() / "mara.imx", verbose=True)
        await runtime.push_audio(np.zeros(640, np.int16), 16000)
        async for frame in runtime.run():
            assert SECRET not in repr((frame.source_message_id, frame.frame_index))
            break
        shown = repr(runtime.settings) + repr(vars(runtime)) + repr(runtime.settings.model_dump())
        server.answers["/v1/validate"] = {"valid": False}
        with pytest.raises(TokenValidationError) as caught:
            await AsyncBithuman.create()
        await runtime.shutdown()
    assert SECRET not in shown + caplog.text + repr(caught.value) + "".join(map(str, caught.traceback))


@pytest.mark.parametrize(
    ("secret", "arguments", "code", "says"),
    [
        (SECRET, [], 0, "ok: http://localhost"),
        ("wrong", [], 77, "not valid"),
        (SECRET, ["nothing.imx"], 66, "nothing.imx"),
    ],
)
def test_validate_says_where_it_stands(server: Server, secret: str, arguments: list[str], code: int, says: str) -> None:
    environment = {"BITHUMAN_API_URL": server.url, "BITHUMAN_API_SECRET": secret, "PATH": "", "COLUMNS": "200"}
    command = [sys.executable, "-m", "bithuman_core", "validate", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_validate_without_a_server() -> None:
    base = [sys.executable, "-m", "bithuman_core", "validate"]
    alone = subprocess.run(base, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert (alone.returncode, alone.stdout.count("\n")) == (0, 1)
    assert "this machine alone" in alone.stdout
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    environment = {"PATH": "", "BITHUMAN_API_URL": url, "BITHUMAN_API_SECRET": SECRET}
    assert subprocess.run(base, env=environment, capture_output=True, check=False).returncode == 69
