"""What the first walk of docs/service.md takes a newcomer: ``python -m benchmarks.service_walk [photo.jpg]``.

Its commands run as they stand there, in a virtual environment and folders that are new; the package is this checkout's. Printed:
seconds by the clock of each part, and the size of the video.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path
from socket import create_server
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "tests" / "data" / "astronaut.jpg"
PARTS = ("installed, served, validated", "agent from a photo", "video of a text")
PACKAGE, PORT = "bithuman-core[serve]", "8088"
MARK = "the part ended"


def walk() -> list[str]:
    """The commands, part by part."""
    return re.findall(r"```sh walk\n(.*?)```", (ROOT / "docs" / "service.md").read_text("utf-8"), re.DOTALL)


def main() -> None:
    """Print the table."""
    photo = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTO
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(photo, folder / "me.jpg")
        with create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        begin = time.monotonic()
        venv.create(folder / "venv", with_pip=True)
        programs = str(folder / "venv" / "bin")
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "XDG_DATA_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
        talking = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        shell: Any = subprocess.Popen(["bash"], cwd=folder, env=environment, start_new_session=True, **talking)
        try:
            whole = time.monotonic()
            for part, commands in zip(PARTS, walk(), strict=True):
                began = time.monotonic()
                asked = commands.replace("pip install", "pip install -q").replace(PACKAGE, f"{ROOT}[serve]").replace(PORT, port)
                asked = asked.replace("serve &", f"serve --port {port} &")
                shell.stdin.write(f"{asked}\necho '{MARK}'\n")
                shell.stdin.flush()
                for line in shell.stdout:
                    if line.strip().endswith(MARK):
                        break
                    print("   ", line.rstrip())
                print(f"{part:34s}{time.monotonic() - began:8.1f} s", flush=True)
            print(f"{'all of it':34s}{time.monotonic() - whole:8.1f} s; the environment itself {whole - begin:.1f} s")
            print(f"hello.mp4 has {(folder / 'hello.mp4').stat().st_size / 1e3:.0f} kB")
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
            shell.wait()


if __name__ == "__main__":
    main()
