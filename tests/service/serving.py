"""A service for tests: its application without a network, and its jobs done when a test says so."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from bithuman_core.demo.connections import server_config
from bithuman_core.errors import AudioError
from bithuman_core.service.app import service_app
from bithuman_core.service.context import Service
from bithuman_core.service.data.database import Database
from bithuman_core.service.limits import ServiceLimits
from bithuman_core.service.storage import Storage
from bithuman_core.settings import models_dir
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech, Voice

MARA = models_dir() / "mara.imx"
PHOTO = Path(__file__).parents[1] / "data" / "astronaut.jpg"
ALL = ("read", "speak", "build", "admin")


class Humming(TextToSpeech):
    """A voice that hums a tenth of a second a letter."""

    def look(self) -> None:
        self.voices = (Voice("hum", "Humming"), Voice("low", "Low"))

    def speak(self, text: str, voice: str = "", timbre: str = "woman", longest: float = 180.0) -> NDArray[np.int16]:
        if voice not in ("", "hum", "low"):
            raise AudioError(f"There is no voice {voice!r}: choose another one.")
        time = np.arange(SAMPLE_RATE * len(text) // 10) / SAMPLE_RATE
        return (8000 * np.sin(2 * np.pi * 200 * time)).astype(np.int16)

    def stream(self, text: str, voice: str = "", timbre: str = "woman", longest: float = 180.0) -> Iterator[NDArray[np.int16]]:
        yield self.speak(text, voice, timbre, longest)


class Client(TestClient):
    """Asks an application, with a secret unless it is told another one."""

    __test__ = False

    def __init__(self, service: Service, secret: str | None, **more: Any) -> None:
        headers = {} if secret is None else {"api-secret": secret}
        super().__init__(
            service_app(service, **more), base_url="http://127.0.0.1", headers=headers, raise_server_exceptions=False,
            client=("192.0.2.7", 5000),
        )  # fmt: skip
        self.service = service

    def upload(self, name: str, content: bytes) -> str:
        answer = self.post("/v1/files/upload", files={"file": (name, content)})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["file_url"]

    def agent(self, **said: Any) -> str:
        """The code of a new agent, which is being made; of Mara's file unless something else is said."""
        files = {} if {"image", "model", "file"} & said.keys() else {"model": ("me.imx", MARA.read_bytes())}
        answer = self.post("/v1/agent/generate", data=said, files=files) if files else self.post("/v1/agent/generate", json=said)
        assert answer.status_code == 200, answer.text
        return answer.json()["agent_id"]

    def work(self) -> None:
        """Do all jobs that are due."""
        while self.service.runner.step():
            pass


def make_service(url: str, files: Path | str, now: Callable[[], float], **limits: Any) -> Service:
    database = Database(url)
    database.upgrade()
    voice = Humming()
    voice.look()
    return Service(database, Storage(str(files)), voice=voice, now=now, limits=ServiceLimits(**limits))


def sentence(answer: httpx.Response, status: int, code: str) -> str:
    """What a refusal says: one clear sentence in the API's envelope, nothing of secrets and places."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    text = body["error"]["message"]
    fault = {"code": code, "message": text, "httpStatus": status}
    assert body == {"error": fault, "status": "error", "status_code": status}
    assert len(text) > 20 and text[-1] in '."' and "/tmp" not in text and "bhc_" not in text
    return text


@contextmanager
def listening(service: Service, **more: Any) -> Iterator[str]:
    """The service at an address of this machine, its jobs in a thread, as ``bithuman-core serve`` runs it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(server_config(service_app(service, **more), service.limits.doors))
        started = threading.Event()

        async def serve() -> None:
            running = asyncio.create_task(server.serve([listener]))
            while not server.started:
                await asyncio.sleep(0.01)
            started.set()
            await running

        thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        thread.start()
        assert started.wait(60)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(30)
