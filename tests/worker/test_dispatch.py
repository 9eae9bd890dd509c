"""What a dispatch of LiveKit asks for, and a worker that cannot be an agent server."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.go_program import free_ports
from tests.plugins import need

need("livekit.agents", "livekit.api", "fastapi", "uvicorn", "python_multipart")

from bithuman_core import cli  # noqa: E402
from bithuman_core.settings import models_dir  # noqa: E402
from bithuman_core.worker.agent_server import Wish  # noqa: E402
from bithuman_core.worker.avatars import Wardrobe  # noqa: E402
from bithuman_core.worker.refused import Refused  # noqa: E402


def test_a_dispatch_without_metadata_is_enough() -> None:
    wish = Wish.read("")
    order = wish.order("wss://live.example", "token", "lobby")
    assert (wish.identity, wish.agent) == ("bithuman-avatar-agent", None)
    assert (order.room_name, order.livekit_url, order.avatar, order.again) == ("lobby", "wss://live.example", None, False)


def test_metadata_names_avatar_and_agent_and_cannot_lead_elsewhere() -> None:
    wish = Wish.read(
        '{"agent": "a", "identity": "face", "avatar": "theo", "background": "blur", "livekit_url": "wss://evil.example"}'
    )
    order = wish.order("wss://live.example", "token", "lobby")
    assert (wish.identity, wish.agent, order.avatar, order.background) == ("face", "a", "theo", "blur")
    assert order.livekit_url == "wss://live.example"


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ("{", "no JSON"),
        ("[" * 60_000, "no JSON"),
        ("[]", "no JSON object"),
        ('{"identity": 5}', "identity"),
        ('{"agent": ""}', "agent"),
        ('{"avatar": "../../etc/passwd"}', "avatar"),
        ('{"avatar": "theo", "avatar_image_url": "https://pictures.example/me.jpg"}', "both sent"),
        ('{"avatar_image_url": "file:///etc/passwd"}', "http(s)"),
        ('{"background": "transparent"}', "transparent"),
    ],
)
def test_a_wrong_dispatch_gets_a_sentence(metadata: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Wish.read(metadata).order("wss://live.example", "token", "lobby")


def test_avatars_that_a_worker_keeps(tmp_path: Path) -> None:
    (tmp_path / "me.imx").write_bytes((models_dir() / "theo.imx").read_bytes())
    wardrobe = Wardrobe(models_dir() / "mara.imx", tmp_path)
    assert wardrobe.named("me") == tmp_path / "me.imx" and wardrobe.named("theo") == models_dir() / "theo.imx"
    with pytest.raises(Refused, match="--avatars"):
        wardrobe.named("nobody")
    wardrobe.close()


@pytest.mark.parametrize(
    ("url", "key", "code", "says"),
    [
        ("wss://live.example", "", os.EX_USAGE, "LIVEKIT_API_KEY"),
        ("ftp://live.example", "key", os.EX_USAGE, "ws(s)://"),
        ("ws://127.0.0.1:{port}", "key", os.EX_SOFTWARE, "No LiveKit server answers"),
    ],
)
def test_a_worker_that_cannot_be_an_agent_server(
    url: str, key: str, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", key)
    monkeypatch.setenv("LIVEKIT_API_SECRET", "only-for-the-tests-of-this-machine")
    monkeypatch.setattr("sys.argv", ["bithuman-core", "worker", "--livekit-url", url.format(port=free_ports(1)[0])])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == (2 if code == os.EX_USAGE else code)
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())
