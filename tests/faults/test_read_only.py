"""A system on which nothing can be written: what needs no file runs, and what does says so in a sentence."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bithuman_core.settings import models_dir, speech_clip

ROOT = Path(__file__).parents[2]
ROOMS = ("render", "render/footage", "fastrtc/media", "build/shape", "build/footage")
CACHES = [ROOT / "bithuman_core" / room / "__pycache__" for room in ROOMS]
# In a view of the file system of this process's own. {kept}: shell commands about folders that can be written all the same.
READ_ONLY = """
set -e
mount --make-rprivate /
{kept}
for place in $(awk '$3 != "proc" && $3 != "sysfs" {{print $2}}' /proc/mounts | sort -u); do
    case $place in {writable}) ;; *) mount -o remount,bind,ro $place 2>/dev/null || true ;; esac
done
if touch {root}/written 2>/dev/null; then exit 77; fi
unset TMPDIR TEMP TMP GRADIO_TEMP_DIR
export HOME=/nowhere PYTHONPATH={root}
cd {root}
"""
PAGE = """
import signal, subprocess, sys
import httpx
command = [sys.executable, "app.py", "--no-open-browser", "--port", "7938"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
for line in server.stdout:
    if line.startswith("Ready"):
        assert httpx.get("http://127.0.0.1:7938/health").json()["status"] == "ok"
        server.send_signal(signal.SIGTERM)
sys.exit(server.wait(60))
"""


def read_only(command: str, kept: str = ":", writable: str = "/nowhere") -> subprocess.CompletedProcess[str]:
    """A shell command where nothing can be written."""
    script = READ_ONLY.format(kept=kept, writable=writable, root=ROOT) + command
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare: this system cannot be made read-only for one process")
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False, timeout=200)
    if done.returncode == 77 or "Operation not permitted" in done.stderr:
        pytest.skip("this user may not make the system read-only for one process (root may)")
    return done


TEMPORARY = {"kept": "mount -t tmpfs none /tmp; mount -t tmpfs none /dev/shm", "writable": "/tmp|/dev/shm"}


def test_the_doctor_compiles_in_memory_and_says_so_once() -> None:
    hidden = "; ".join(f"mkdir -p {cache}; mount -t tmpfs none {cache}" for cache in CACHES)
    done = read_only(f"{sys.executable} -m bithuman_core doctor", kept=hidden)
    assert done.returncode == 0, done.stderr
    assert "ok   avatar, renderer" in done.stdout
    assert done.stderr.count("Compiled kernels cannot be kept") == len(done.stderr.splitlines()) == 1


def test_a_video_is_rendered_into_the_one_folder_that_can_be_written() -> None:
    render = f"{sys.executable} -m bithuman_core render {models_dir()}/mara.imx -a {speech_clip()} -o /tmp/out.mp4"
    done = read_only(f"{render} && test -s /tmp/out.mp4", **TEMPORARY)
    assert done.returncode == 0, done.stderr


def test_the_page_runs_with_a_folder_for_temporary_files() -> None:
    done = read_only(f"{sys.executable} -c '{PAGE}'", **TEMPORARY)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


def test_the_page_says_that_it_needs_a_folder_for_temporary_files() -> None:
    done = read_only(f"{sys.executable} app.py")
    assert done.returncode == 1 and "TMPDIR" in done.stderr and "Traceback" not in done.stderr


def test_the_page_says_that_it_needs_shared_memory() -> None:
    done = read_only(f"{sys.executable} app.py", kept="mount -t tmpfs none /tmp", writable="/tmp")
    assert done.returncode == 1 and "/dev/shm" in done.stderr and "Traceback" not in done.stderr
