"""``bithuman-core render-many``: good rows become videos, bad ones a sentence, and it goes on where it was stopped."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import av
import pytest

from bithuman_core.timing import FPS


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """Two videos of a second, and a row that makes no sense."""
    with wave.open(str(tmp_path / "second.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000))
    table = tmp_path / "jobs.csv"
    table.write_text(
        "avatar,audio,output,size,style\nmara,second.wav,a.mp4,128,\nmara,second.wav,deep/b.mp4,128,calm\nmara,none.wav,c.mp4,,\n"
    )
    return table


def render_many(table: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bithuman_core", "render-many", str(table), "-o", str(out), "--jobs", "1"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_good_rows_become_videos_and_what_is_there_stays(jobs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = render_many(jobs, out)
    assert done.returncode == 70 and "Line 4: audio: there is no file" in done.stderr, done.stderr
    assert "1 of 3 rows are not rendered" in done.stderr and "Traceback" not in done.stderr
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == ["a.mp4", "deep/b.mp4"]
    with av.open(str(out / "a.mp4")) as video:
        frames = [frame for frame in video.decode(video=0)]  # noqa: C416
        assert len(frames) == FPS and max(frames[0].width, frames[0].height) == 128
    first = (out / "a.mp4").stat().st_mtime_ns
    (out / "deep/b.mp4").unlink()
    jobs.write_text("".join(jobs.read_text().splitlines(keepends=True)[:3]))
    done = render_many(jobs, out)
    assert done.returncode == 0, done.stderr
    assert (out / "deep/b.mp4").exists() and (out / "a.mp4").stat().st_mtime_ns == first
