"""``speak`` and ``action``: make the avatars of the running page of this machine do something."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from bithuman_core.cli.common import Unreachable, app
from bithuman_core.errors import AudioError, Failed, NotAuthorised

PAGE = "http://127.0.0.1:7860"
TIMEOUT_SECONDS = 60.0

UrlOption = Annotated[str, typer.Option(metavar="URL", help="Where the page runs; an address of this machine.")]
VisitOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Only this live visit, 1 for the page that was opened first (all of them).")
]


@app.command()
def speak(
    audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="Any audio file.")],
    url: UrlOption = PAGE,
    visit: VisitOption = None,
) -> None:
    """Let the avatars of the running page speak an audio file."""
    if not audio.is_file():
        raise AudioError(f"there is no audio file {str(audio)!r}: check the path.")
    told = _post(url, "speak", visit, content=audio.read_bytes(), headers={"X-File-Name": quote(audio.name)})
    print(f"{audio.name}: {told['seconds']} s, spoken on {_pages(told)}")


@app.command()
def action(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A gesture of the avatar, for example nod.")],
    url: UrlOption = PAGE,
    visit: VisitOption = None,
) -> None:
    """Let the avatars of the running page play a gesture."""
    print(f"{name}: played on {_pages(_post(url, 'action', visit, json={'name': name}))}")


def _pages(told: dict[str, Any]) -> str:
    return "1 page" if told["visits"] == 1 else f"{told['visits']} pages"


def _post(url: str, path: str, visit: int | None, *, headers: dict[str, str] | None = None, **content: Any) -> dict[str, Any]:
    import httpx

    from bithuman_core.demo.local_key import HEADER, local_key

    _check_is_here(url)
    address, which = f"{url.rstrip('/')}/local/{path}", {} if visit is None else {"visit": visit}
    headers = {HEADER: local_key(), **(headers or {})}
    try:
        answer = httpx.post(address, params=which, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False, **content)
    except httpx.HTTPError as error:
        raise Unreachable(f"No page answers at {url}: start it with bithuman-core run, or give its --url.") from error
    sentence = _sentence(answer)
    if answer.status_code in (401, 403):
        raise NotAuthorised(sentence)
    if not answer.is_success:
        raise Failed(sentence)
    return answer.json()


def _check_is_here(url: str) -> None:
    """The key is shown to nobody elsewhere."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise typer.BadParameter(f"--url is {url!r}; give the page's address on this machine, for example {PAGE}")


def _sentence(answer: Any) -> str:
    foreign = f"What answers at {answer.url.host}:{answer.url.port} is not the page of this program: give its --url."
    try:
        told = answer.json()
    except ValueError:
        return foreign
    return str(told["error"]) if isinstance(told, dict) and "error" in told else foreign
