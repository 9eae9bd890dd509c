"""What the page's events do, called as Gradio calls them: choosing, bringing along, making, speaking."""

from __future__ import annotations

import asyncio
import html
import json
import re
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import gradio as gr
import numpy as np
import pytest
import soundfile
from starlette.requests import Request

from bithuman_core import voice as tts
from bithuman_core.demo.actions import clean_name
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.jobs import Report
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.routes.uploads import file_name
from bithuman_core.demo.server import make_context
from bithuman_core.demo.ui.page import build_page
from bithuman_core.demo.visitors.visitor import Visitor
from tests.demo.conftest import BAD_PHOTO, IMX, TWO_FACES, fake_build

LIMITS = Limits(avatars=2, avatars_all=3, avatar_bytes=8 * 2**20, audio_bytes=2**20, audio_seconds=2.0, photo_bytes=2**20,
                motion_bytes=2**20, clip_bytes=2**21)  # fmt: skip

RECORDING = 1  # number of the event that makes an avatar of a recording


class Page:
    """A page's events, and its visitor."""

    def __init__(self, context: DemoContext) -> None:
        self.context = context
        self._events: dict[str, list[Any]] = {}
        for event in build_page(context).fns.values():
            self._events.setdefault(str(event.name), []).append(event.fn)
        self.visitor = context.visitors.open()

    def __call__(self, event: str, *given: Any, visitor: Visitor | None = None, number: int = 0) -> Any:
        """What the event of this name (the first, or another one) gives; its sentence is raised as ``gr.Error``."""
        return self._events[event][number]((visitor or self.visitor).secret, *given)

    def names(self, visitor: Visitor | None = None) -> list[str]:
        return [avatar.name for avatar in (visitor or self.visitor).avatars]


@pytest.fixture
async def page(gallery: Gallery) -> AsyncIterator[Page]:
    context = make_context(gallery, places=1, limits=LIMITS, build=fake_build)
    context.speech.look()
    yield Page(context)
    await context.visitors.close_all()
    context.reading.close()
    context.jobs.close()


def told(ticket: str) -> dict[str, Any]:
    """What a ticket says to the stage."""
    match = re.search(r'data-ticket="([^"]*)"', ticket)
    assert match
    return json.loads(html.unescape(match[1]))


async def refused(coming: Any) -> str:
    """The sentence that the page shows."""
    with pytest.raises(gr.Error) as error:
        await coming
    text = str(error.value.message)
    assert text[-1] in ".)" and len(text) > 15
    assert "/tmp" not in text and "bithuman-page" not in text
    return text


def file(page: Page, name: str, content: bytes) -> str:
    """As Gradio hands an upload over."""
    path = page.context.gallery.folder / name
    path.write_bytes(content)
    return str(path)


def offered(faces: gr.Gallery) -> list[tuple[bytes, str]]:
    """Pictures and captions of a gallery."""
    return [(Path(item["image"]["path"]).read_bytes(), item["caption"]) for item in faces.value]


def gone(path: str | Path) -> bool:
    return not Path(path).exists()


def wav(page: Page, seconds: float) -> str:
    path = page.context.gallery.folder / "my words.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(round(seconds * 8000)) / 5), 8000)
    return str(path)


@pytest.mark.parametrize("letters", ["a", "漢", "𠀀", "é"])
def test_a_name_of_any_letters_is_one_that_a_disk_takes(tmp_path: Path, letters: str) -> None:
    name = clean_name(200 * letters, "x")
    (tmp_path / f"{name} - {name}.mp4").write_bytes(b"")
    assert name.startswith(letters) and len(name) <= 40
    request = Request({"type": "http", "headers": [(b"x-file-name", quote(200 * letters + ".wav").encode())]})
    (tmp_path / file_name(request, "sound")).write_bytes(b"")
    assert file_name(request, "sound").endswith(letters + ".wav")


async def test_an_avatar_can_be_chosen(page: Page) -> None:
    shown = await page("choose", SimpleNamespace(index=1))
    assert told(shown[0])["avatar"]["name"] == "Theo" and shown[1].startswith("# Theo")
    assert page.visitor.avatar.name == "Theo"


async def test_an_own_avatar_is_for_its_visitor_alone_and_goes_with_the_visit(page: Page) -> None:
    path = file(page, "my face.imx", IMX.read_bytes())
    other = page.context.visitors.open()
    shown = await page("bring", path)
    card = told(shown[0])["avatar"]
    assert card["own"] and card["name"] == "Erik" and page.visitor.avatar.name == "Erik"
    assert page.names() == ["Mara", "Theo", "Erik"] and page.names(other) == ["Mara", "Theo"]
    still = page.visitor.avatar.still
    await page.context.visitors.close(page.visitor.secret)
    assert gone(path) and gone(still)


async def test_an_own_avatar_can_be_removed(page: Page) -> None:
    await page("bring", file(page, "a.imx", IMX.read_bytes()))
    shown = await page("remove")
    assert told(shown[0])["avatar"]["name"] == "Mara" and page.names() == ["Mara", "Theo"]


async def test_so_many_own_avatars_and_no_more(page: Page) -> None:
    for number in range(LIMITS.avatars):
        await page("bring", file(page, f"{number}.imx", IMX.read_bytes()))
    assert "remove one" in await refused(page("bring", file(page, "more.imx", IMX.read_bytes())))
    other = page.context.visitors.open()
    await page("bring", file(page, "other.imx", IMX.read_bytes()), visitor=other)
    assert "some minutes" in await refused(page("bring", file(page, "other2.imx", IMX.read_bytes()), visitor=other))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"IMX\0" + bytes(2000), "commercial"),
        (b"%PDF-1.7\n" + bytes(2000), "not an avatar"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), "a photo"),
        (IMX.read_bytes()[:100_000], "damaged"),
        (bytes(LIMITS.avatar_bytes + 1), "larger than the 8 MiB"),
    ],
)
async def test_a_file_that_is_no_avatar_gets_its_sentence(page: Page, content: bytes, word: str) -> None:
    path = file(page, "mine.imx", content)
    assert word in await refused(page("bring", path))
    await page.context.visitors.close(page.visitor.secret)
    assert gone(path)


async def test_a_photo_becomes_an_avatar(page: Page) -> None:
    *shown, _, photo, consent, _, _ = await page("create", file(page, "me.jpg", b"a face"), "Ada", True, 0)
    assert told(shown[0])["avatar"]["own"] and "The face is small." in shown[5].value
    assert page.visitor.avatar.path.name == "Ada.imx" and page.visitor.avatar.key == photo and consent is False


async def test_a_photo_needs_a_file_and_consent(page: Page) -> None:
    assert "agrees" in await refused(page("create", file(page, "me.jpg", b"a face"), "", False, 0))
    assert "photo first" in await refused(page("create", None, "", True, 0))


async def test_a_photo_that_is_opened_as_an_avatar_is_told_its_place(page: Page) -> None:
    heic = (Path(__file__).parents[1] / "data" / "grace_hopper.heic").read_bytes()
    for content in (heic, b"\xff\xd8\xff\xe0" + bytes(60), b"\0\0\0\x18ftypmp42" + bytes(60)):
        path = file(page, "IMG_1234.imx", content)
        assert "Create from a photo" in await refused(page("bring", path))


async def test_of_several_faces_the_visitor_chooses_one(page: Page) -> None:
    photo = file(page, "us.jpg", TWO_FACES)
    *_, faces, face = await page("create", photo, "Ada", True, 0)
    assert offered(faces) == [(b"the first", "1"), (b"the second", "2")] and face == 0 and page.names() == ["Mara", "Theo"]
    chosen = page._events["pick"][0](SimpleNamespace(index=1))
    assert chosen == 2
    *_, faces, face = await page("create", photo, "Ada", True, chosen)
    assert page.visitor.avatar.name == "Erik" and face == 0 and not faces.visible


async def test_what_is_said_of_a_new_avatar_stays_when_its_picture_takes_the_mark(page: Page) -> None:
    await page("create", file(page, "me.jpg", b"a face"), "Ada", True, 0)
    marked = await page("choose", SimpleNamespace(index=page.visitor.avatars.index(page.visitor.avatar)))
    assert all(shown == gr.skip() for shown in marked)
    other = await page("choose", SimpleNamespace(index=0))
    assert other[5].visible is False  # it was said of the other one


async def test_a_recording_becomes_an_avatar_that_knows_who_agreed(page: Page) -> None:
    kept: list[str] = []

    def keeping(clip: Path, out: Path, name: str, consent: str, face: int | None, report: Report) -> list[str]:
        kept.append(consent)
        return [*fake_build(clip, out, name, consent, face, report), "A photo avatar was made of the clip's best picture"]

    recorder = Page(replace(page.context, build=keeping))
    path = file(page, "sample.webm", b"a face that moves")
    *shown, _, clip, consent, _, _ = await recorder("create", path, "Ada", True, 0, number=RECORDING)
    assert told(shown[0])["avatar"]["own"] and recorder.visitor.avatar.path.name == "Ada.imx"
    assert shown[5].value == "The face is small. A photo avatar was made of the clip's best picture."  # why it is no footage
    assert recorder.visitor.avatar.key == clip and consent is False
    assert kept == ["The visitor of the demo page ticked: this is a clip of me, or of somebody who agrees to this avatar."]
    await page.context.visitors.close(recorder.visitor.secret)
    assert gone(path)


async def test_a_recording_needs_a_file_consent_and_a_size_that_is_taken(page: Page) -> None:
    assert "agrees" in await refused(page("create", file(page, "me.webm", b"a face"), "", False, 0, number=RECORDING))
    assert "Record a clip first" in await refused(page("create", None, "", True, 0, number=RECORDING))
    large = file(page, "large.webm", bytes(LIMITS.clip_bytes + 1))
    assert "larger than the 2 MiB" in await refused(page("create", large, "", True, 0, number=RECORDING))
    assert page.visitor.avatars_held == 0


async def test_a_clip_may_be_larger_than_a_photo(page: Page) -> None:
    size = bytes(LIMITS.photo_bytes + 1)
    assert told((await page("create", file(page, "me.mp4", size), "", True, 0))[0])["avatar"]["own"]
    assert "larger than the 1 MiB" in await refused(page("create", file(page, "me.png", size), "", True, 0))


async def test_a_bad_photo_gets_the_sentence_of_the_builder(page: Page) -> None:
    sentence = await refused(page("create", file(page, "cat.jpg", BAD_PHOTO), "", True, 0))
    assert sentence == "No face was found in the photo: use one of a person from the front."


async def test_a_sound_file_can_be_said_and_filmed(page: Page) -> None:
    path = wav(page, 0.4)
    say = told(await page("say", path))["say"]
    again = told(await page("say", path))["say"]
    assert say["number"] != again["number"]  # said again
    assert page.visitor.clips[say["clip"]].seconds == pytest.approx(0.4, abs=0.01)
    video = await page("video_of_file", path)
    assert Path(video.value["video"]["path"] if isinstance(video.value, dict) else video.value).name == "Mara - my words.mp4"


TAKE = b"time,jawOpen,headYaw\n" + b"\n".join(b"%.2f,%.2f,%d" % (k / 25, k % 9 / 10, k - 10) for k in range(20))


async def test_a_motion_file_is_done_alone_and_with_a_sound(page: Page) -> None:
    take, sound = file(page, "take.csv", TAKE), wav(page, 1.0)
    alone = page.visitor.clips[told(await page("say", None, take))["say"]["clip"]]
    both = page.visitor.clips[told(await page("say", sound, take))["say"]["clip"]]
    assert alone.seconds == 0.8 and not alone.samples.any() and alone.motion is not None and len(alone.motion) == 20
    assert both.seconds == pytest.approx(1.0, abs=0.01) and both.motion is not None and both.name == "my words.wav"
    video = await page("video_of_file", None, take)
    assert Path(video.value["video"]["path"] if isinstance(video.value, dict) else video.value).name == "Mara - take.mp4"
    page.visitor.close()
    assert gone(take) and gone(sound), "what was brought goes with the visit"


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"", "empty"), (b"a,b\n1,2", "names no ARKit"), (TAKE.replace(b"0.10", b"nan"), "line 3 has 'nan'"),
     (TAKE + b"\n9,1,1", "cut it"), (b"x" * (2**20 + 1), "larger than the 1 MiB")],
)  # fmt: skip
async def test_a_motion_file_that_cannot_be_done_gets_its_sentence(page: Page, content: bytes, word: str) -> None:
    assert word in await refused(page("say", None, file(page, "take.csv", content)))
    assert page.visitor.clips == {}


@pytest.mark.parametrize("content", [b"no sound at all" * 99, bytes(2**20 + 1)])
async def test_a_file_that_cannot_be_said_gets_its_sentence(page: Page, content: bytes) -> None:
    sentence = await refused(page("say", file(page, "x.wav", content)))
    assert "cannot be read as audio" in sentence or "larger" in sentence


async def test_a_sound_that_is_too_long_or_missing_gets_its_sentence(page: Page) -> None:
    assert "longer" in await refused(page("say", wav(page, 3)))
    assert "sound file first" in await refused(page("say", None))


async def test_who_asks_too_much_waits_and_the_others_do_not(page: Page) -> None:
    path, other = wav(page, 0.1), page.context.visitors.open()
    for _ in range(LIMITS.requests):
        await page("say", path)
    assert "wait half a minute" in await refused(page("say", path))
    assert told(await page("say", path, visitor=other))["say"]


async def test_a_video_is_given_up_when_its_visitor_has_gone(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def endless(*given: Any) -> None:
        while True:
            begun.set()
            given[-1]("rendering", 0.5)

    monkeypatch.setattr("bithuman_core.demo.actions.render_video", endless)
    filming = asyncio.ensure_future(page("video_of_file", wav(page, 0.2)))
    await asyncio.to_thread(begun.wait)
    page.visitor.close()
    assert "closed" in await refused(filming)


async def test_a_text_is_spoken_where_there_is_a_voice(page: Page) -> None:
    coming = page("say", "Hello, nice to meet you.", "en-us", "woman", number=1)
    if not page.context.speech.voices:
        assert await refused(coming) == tts.HOW_TO_GET_IT
        return
    clip = page.visitor.clips[told(await coming)["say"]["clip"]]
    assert 1 < clip.seconds < 5


@pytest.mark.parametrize("text", ["", " \n ", "a" * (LIMITS.text + 1), "a" * 30_000])
async def test_a_text_that_cannot_be_spoken_gets_its_sentence(page: Page, text: str) -> None:
    await refused(page("say", text, "en-us", "woman", number=1))
