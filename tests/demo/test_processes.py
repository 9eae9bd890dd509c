"""The processes that read uploads come with the server and go with it, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

from tests.demo.test_app import ROOT, environment, free_port

LONGEST = 60.0  # s, on a busy machine
READY = "Ready:"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_nothing_stays_behind(number: signal.Signals, code: int) -> None:
    server = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(free_port())], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        assert any(READY in line for line in server.stdout)
        children = psutil.Process(server.pid).children(recursive=True)
        assert any("bithuman_core.intake.child" in child.cmdline() for child in children)
        server.send_signal(number)
        assert server.wait(LONGEST) == code
        assert psutil.wait_procs(children, 10)[1] == []
    finally:
        server.kill()
