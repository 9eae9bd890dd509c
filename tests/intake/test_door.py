"""Nothing opens a foreign file but the one door, and nothing behind it opens a second file."""

from __future__ import annotations

import ast
import io
import time
import wave
import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import av
import av.error
import pytest

import bithuman_core
from bithuman_core.audio import load_audio
from bithuman_core.errors import AudioError
from bithuman_core.intake.media import open_clip, open_sound

PACKAGE = Path(bithuman_core.__file__).parent
DOOR = PACKAGE / "intake"
OPENERS = {"av.open", "Image.open", "safe_open", "load_file", "safetensors.numpy.load", "pickle.load", "pickle.loads",
           "np.fromfile", "wave.open", "soundfile.read", "librosa.load", "imageio.imread"}  # fmt: skip
QUICK = 5.0  # s, on a busy machine; a playlist that is followed waits for ever


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a module, by its dotted name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def writes(name: str, call: ast.Call) -> bool:
    return name == "av.open" and len(call.args) > 1 and ast.unparse(call.args[1]) == "'w'"


def test_foreign_files_are_opened_in_one_room() -> None:
    found = {(path.relative_to(PACKAGE).as_posix(), name)
             for path in PACKAGE.rglob("*.py") for name, call in calls(path)
             if name in OPENERS and not writes(name, call)}  # fmt: skip
    assert found == {("intake/media.py", "av.open"), ("intake/pictures.py", "Image.open"), ("intake/tensors.py", "safe_open")}


def test_foreign_pictures_and_sounds_are_decoded_in_one_room() -> None:
    """What comes over a connection is decoded by aiortc, and by libopus itself."""
    found = {path.relative_to(PACKAGE).as_posix()
             for path in PACKAGE.rglob("*.py") for name, call in calls(path)
             if name.endswith("CodecContext.create") and "'w'" not in map(ast.unparse, call.args)}  # fmt: skip
    assert found == {"intake/media.py"}


def test_numpy_files_are_read_without_pickles() -> None:
    loads = [call for path in PACKAGE.rglob("*.py") for name, call in calls(path) if name in ("np.load", "numpy.load")]
    assert loads
    assert all("allow_pickle=False" in ast.unparse(call) for call in loads)


def wav() -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(b"\1\2" * 16000)
    return stream.getvalue()


def playlists(other: Path) -> dict[str, str]:
    """Files that name another one, in every way that FFmpeg knows, by their names."""
    head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:10\n"
    end = "#EXT-X-ENDLIST\n"
    return {
        "absolute.m3u8": f"{head}#EXTINF:1,\n{other}\n{end}",
        "address.m3u8": f"{head}#EXTINF:1,\nfile:{other}\n{end}",
        "parent.m3u8": f"{head}#EXTINF:1,\n../secret/{other.name}\n{end}",
        "map.m3u8": f'{head}#EXT-X-MAP:URI="{other}"\n#EXTINF:1,\n{other}\n{end}',
        "master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100\nabsolute.m3u8\n",
        "live.m3u8": f"{head}#EXTINF:1,\n{other}\n",
        "concat.ffconcat": f"ffconcat version 1.0\nfile {other.name}\n",
        "self.ffconcat": "ffconcat version 1.0\nfile self.ffconcat\n",
        "as_sound.wav": f"{head}#EXTINF:1,\n{other}\n",
        "as_sound.mp3": "ffconcat version 1.0\nfile as_sound.mp3\n",
        "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
                    f'mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{other}</BaseURL></Representation>'
                    "</AdaptationSet></Period></MPD>",
        "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "list.pls": f"[playlist]\nFile1={other}\n",
        "subs.imf": f"<x>{other}</x>",
    }  # fmt: skip


@pytest.mark.parametrize("name", playlists(Path("x")))
def test_a_playlist_is_no_sound_and_no_clip(tmp_path: Path, name: str) -> None:
    folder, secret = tmp_path / "own", tmp_path / "secret"
    folder.mkdir()
    secret.mkdir()
    for other in (secret / "other.ts", folder / "other.ts"):
        with av.open(str(other), "w", format="mpegts") as made, av.open(io.BytesIO(wav())) as sound:
            stream = made.add_stream("mp2", rate=16000, layout="mono")
            for frame in sound.decode(audio=0):
                made.mux(stream.encode(frame))
            made.mux(stream.encode(None))
    for each, text in playlists(secret / "other.ts").items():
        (folder / each).write_text(text)
    begin = time.monotonic()
    with pytest.raises(AudioError, match="cannot be read as audio"):
        load_audio(folder / name)
    for opening in (open_sound, open_clip):
        with (folder / name).open("rb") as file, pytest.raises(av.error.FFmpegError):
            opening(file)
    assert time.monotonic() - begin < QUICK


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that takes side x side x 8 bytes."""
    row = b"\0" * (1 + 8 * side)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))

    head = pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def with_cover(picture: bytes) -> bytes:
    """A second of MP3 that carries a picture."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp3") as made, av.open(io.BytesIO(wav())) as sound:
        out = made.add_stream("libmp3lame", rate=16000, layout="mono")
        for frame in sound.decode(audio=0):
            made.mux(out.encode(frame))
        made.mux(out.encode(None))
    body = b"\0image/png\0\3\0" + picture
    frame = b"APIC" + pack(">I", len(body)) + b"\0\0" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + frame + stream.getvalue()


def test_a_cover_picture_is_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(with_cover(bomb(3000)))
    samples, rate = load_audio(tmp_path / "song.mp3")
    assert (rate, samples.size > 8000) == (16000, True)
    with (tmp_path / "song.mp3").open("rb") as file, open_sound(file) as container:
        cover = container.streams.video[0]
        assert cover.codec_context.pix_fmt is None, "FFmpeg looked into the picture to know its format"


def test_latin_1_tags_are_no_obstacle(tmp_path: Path) -> None:
    body = b"INFOIART" + pack("<I", 8) + "Künstler".encode("latin-1")
    content = wav() + b"LIST" + pack("<I", len(body)) + body
    (tmp_path / "old.wav").write_bytes(content[:4] + pack("<I", len(content) - 8) + content[8:])
    assert load_audio(tmp_path / "old.wav")[0].size == 16000
