"""avatar_image_url: a worker fetches from the public internet and from where its operator says, and from nowhere else."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.plugins import need

need("livekit.agents", "fastapi", "uvicorn", "python_multipart")

import uvicorn  # noqa: E402
from fastapi import FastAPI, Request, Response  # noqa: E402
from fastapi.responses import RedirectResponse, StreamingResponse  # noqa: E402

from bithuman_core.worker.addresses import Addresses, is_public  # noqa: E402
from bithuman_core.worker.download import Downloads  # noqa: E402
from bithuman_core.worker.limits import WorkerLimits  # noqa: E402
from bithuman_core.worker.refused import Refused  # noqa: E402
from tests.plugins.livekit_call import Calls  # noqa: E402
from tests.worker.test_worker import PHOTO, THEO, TOKEN, sentence, serving, until  # noqa: E402

LOCAL = ("127.0.0.1",)
SIGNED = "?signature=s3cret"
SECONDS = 60  # no test lasts longer


class Shop:
    """A server with files, and with whatever else servers do."""

    def __init__(self) -> None:
        self.app, self.hosts, self.over = FastAPI(), list[str](), asyncio.Event()
        get = self.app.get

        @get("/theo.imx")
        def avatar(request: Request) -> Response:
            self.hosts.append(request.headers["host"])
            return Response(THEO.read_bytes(), media_type="text/html")  # nobody believes it

        @get("/me.jpg")
        def photo() -> Response:
            return Response(PHOTO.read_bytes())

        @get("/page")
        def page() -> Response:
            return Response("<html>Not an avatar</html>", media_type="image/jpeg")

        @get("/empty")
        def empty() -> Response:
            return Response(b"")

        @get("/hops/{left}")
        def hop(left: int) -> Response:
            return RedirectResponse(f"/hops/{left - 1}" if left else "/theo.imx")

        @get("/to")
        def to(url: str) -> Response:
            return RedirectResponse(url)

        @get("/undeclared")
        def undeclared() -> Response:
            async def pieces() -> AsyncIterator[bytes]:
                for _ in range(100):  # an end, since nothing stops a server whose client has gone from writing on
                    yield bytes(10_000)

            return StreamingResponse(pieces())

        @get("/slow")
        def slow() -> Response:
            async def pieces() -> AsyncIterator[bytes]:
                yield b"x"
                await self.over.wait()

            return StreamingResponse(pieces())


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Shop, str]]:
    shop = Shop()
    server = uvicorn.Server(uvicorn.Config(shop.app, log_level="critical", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        await until(lambda: server.started)
        try:
            yield shop, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            shop.over.set()
            server.should_exit = True
            await asyncio.wait_for(running, 10)


async def refusal(url: str, path: Path, **limits: object) -> tuple[int, str]:
    """The status and the sentence with which a download is refused."""
    downloads = Downloads(WorkerLimits(**{"fetch_from": LOCAL, **limits}))  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        await asyncio.wait_for(downloads.fetch(url, path), SECONDS)
    assert "s3cret" not in refused.value.message and refused.value.message.startswith("avatar_image_url: ")
    return refused.value.status, refused.value.message


async def test_an_avatar_comes_from_where_the_order_says(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with opened() as (shop, url):
            await Downloads(WorkerLimits(fetch_from=LOCAL)).fetch(f"{url}/theo.imx{SIGNED}", tmp_path / "a")
            assert (tmp_path / "a").read_bytes() == THEO.read_bytes()
            await Downloads(WorkerLimits(fetch_from=("127.0.0.0/8",))).fetch(f"{url}/hops/2", tmp_path / "b")
            assert (tmp_path / "b").read_bytes() == THEO.read_bytes()
            assert shop.hosts == [url.removeprefix("http://")] * 2
    assert "s3cret" not in caplog.text


async def test_a_host_is_resolved_once_and_asked_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to something else the second time gains nothing."""
    asked: list[str] = []

    async def resolve(self: object, host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port))]

    async with opened() as (shop, url):
        port = url.rsplit(":", 1)[1]
        downloads = Downloads(WorkerLimits(fetch_from=("files.example",)))
        with monkeypatch.context() as patched:
            patched.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
            await asyncio.wait_for(downloads.fetch(f"http://files.example:{port}/theo.imx", tmp_path / "a"), SECONDS)
        assert (asked, shop.hosts) == (["files.example"], [f"files.example:{port}"])


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1",
     "169.254.169.254", "[fe80::1]", "[fd00::1]", "224.0.0.1", "[ff02::1]", "240.0.0.1", "255.255.255.255", "[::ffff:127.0.0.1]",
     "[::ffff:8.8.8.8]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[::7f00:1]", "[2001:0:1::]", "198.18.0.1", "192.0.2.1"],
)  # fmt: skip
async def test_a_worker_fetches_nothing_from_its_own_network(host: str, tmp_path: Path) -> None:
    status, says = await refusal(f"http://{host}:9/{SIGNED}", tmp_path / "a", fetch_from=())
    assert status == 422 and ("public internet" in says or "no server" in says)


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2606:4700::1111", True), ("2002:808:808::", False),
     ("192.0.0.8", False), ("192.88.99.1", False), ("3fff::1", False), ("3fff:fff::1", False), ("100.64.0.1", False),
     ("192.0.0.9", True), ("2001:db8::1", False)],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


async def test_a_redirect_into_the_own_network_is_not_followed(tmp_path: Path) -> None:
    async with opened() as (_, url):
        for aim in ("http://169.254.169.254/latest", "http://127.0.0.2:9/", "http://[::1]:9/"):
            status, says = await refusal(f"{url}/to?url={aim}", tmp_path / "a")
            assert status == 422 and "public internet" in says
        assert "no plain" in (await refusal(f"{url}/to?url=file:///etc/passwd", tmp_path / "a"))[1]
        assert "more than 3 times" in (await refusal(f"{url}/hops/5", tmp_path / "a"))[1]


async def test_what_cannot_be_taken_is_refused_with_its_status(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    async with opened() as (_, url):
        for path, limits, status, says in (
            ("/undeclared", {"upload_bytes": 100_000}, 413, "larger"),
            ("/theo.imx", {"upload_bytes": 100_000}, 413, "larger"),
            ("/slow", {"download_seconds": 0.3}, 408, "too slow"),
            ("/nothing", {}, 422, "404"),
            ("/empty", {}, 422, "empty"),
        ):
            answer = await refusal(url + path + SIGNED, tmp_path / "a", **limits)
            assert answer[0] == status and says in answer[1]
        assert "cannot be reached" in (await refusal(nobody, tmp_path / "a"))[1]
        assert "cannot be reached" in (await refusal(url.replace("http:", "https:"), tmp_path / "a"))[1]


@pytest.mark.parametrize("entry", ["http://files.example", "10.0.0.0/40", "", "files.example:80"])
def test_a_setting_that_is_no_place_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="for example"):
        Addresses([entry])


async def test_a_launched_avatar_is_fetched_first() -> None:
    calls = Calls()
    calls.agent(TOKEN)
    async with opened() as (_, url), serving(calls.make_room, fetch_from=LOCAL) as worker:
        assert (await worker.launch(avatar_image_url=f"{url}/theo.imx")).json().get("status") == "running"
        assert "consent" in sentence(await worker.launch(avatar_image_url=f"{url}/me.jpg"), 403)
        assert "404" in sentence(await worker.launch(avatar_image_url=f"{url}/nothing"), 422)
        both = await worker.upload("theo.imx", b"x", avatar_image_url=f"{url}/theo.imx")
        assert "one of them" in sentence(both, 422)
        need("ai_edge_litert")
        wrong = await worker.launch(avatar_image_url=f"{url}/page", consent="It is mine")
        assert wrong.status_code == 422 and "no picture" in wrong.json()["detail"]
    assert len(calls.avatars) == 1
