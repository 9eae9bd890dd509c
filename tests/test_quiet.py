"""Nothing leaves the machine and nothing is left on it: no look-up, no connection, no file, whatever our dependencies do."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOCKET = {"x86_64": 41, "aarch64": 198}.get(platform.machine())  # number of the system call
# The kernel ends the process (SIGSYS) at the first socket of any of its threads, native ones too: resolvers need one as well.
WITHOUT_SOCKETS = f"""
import ctypes, struct
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, {SOCKET}), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
head = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(program)))
prctl = ctypes.CDLL(None, use_errno=True).prctl
if prctl(38, 1, 0, 0, 0) or prctl(22, 2, ctypes.c_ulong(ctypes.addressof(head)), 0, 0):
    raise SystemExit(77)
"""
SPEAK = """
import itertools, time
import numpy as np
from bithuman_core import Bithuman
with Bithuman.create() as avatar:
    avatar.push_audio(np.zeros(3200, np.int16), 16000)
    for frame in itertools.islice(avatar.run(), 10):
        assert frame.has_image
"""
RESOLVE = "import socket; socket.getaddrinfo('example.invalid', 443)"


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The program in a process that may open no socket, whose home and temporary folder are empty."""
    if sys.platform != "linux" or SOCKET is None:
        pytest.skip("needs Linux's seccomp")
    home, temporary = folder / "home", folder / "tmp"
    home.mkdir()
    temporary.mkdir()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home), "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", WITHOUT_SOCKETS + program]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=200)
    if done.returncode == 77:
        pytest.skip("this kernel filters no system calls")
    return done


def test_an_avatar_opens_no_connection_looks_nothing_up_and_leaves_no_file(tmp_path: Path) -> None:
    done = run(SPEAK, tmp_path)
    assert done.returncode == 0, f"{done.stderr}\n(-31: something opened a socket)"
    assert list((tmp_path / "home").rglob("*")) == list((tmp_path / "tmp").rglob("*")) == []


def test_a_look_up_would_be_caught(tmp_path: Path) -> None:
    assert run(RESOLVE, tmp_path).returncode == -31


@pytest.mark.parametrize("module", ["bithuman_core", "bithuman_core.speech.net", "bithuman_core.cli", "bithuman_core.runtime"])
def test_every_way_in_forbids_telemetry_before_the_net_is_imported(module: str) -> None:
    watch = f"""
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
sys.meta_path.insert(0, Watch())
import {module}
assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
"""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", watch], env={**environment, "PYTHONPATH": str(ROOT)}, check=True, timeout=100)
