"""``make bench``: print every table, one after the other. What is missing on this machine is said, not skipped silently."""

from __future__ import annotations

import subprocess
import sys

TABLES = {
    "Speed and memory of one session": ["-m", "bithuman_core", "bench"],
    "Stages of a tick, 512 and 1024 px": ["-m", "benchmarks.engine"],
    "Fidelity to the path-traced truth": ["-m", "benchmarks.fidelity"],
    "Portraits from one photo": ["-m", "benchmarks.portrait"],
    "Edges before other backgrounds": ["-m", "benchmarks.background"],
    "Life": ["-m", "benchmarks.life"],
    "Lip motion": ["-m", "benchmarks.lips"],
    "How quickly it answers": ["-m", "benchmarks.conversation"],
    "The encoder of a visit's picture": ["-m", "benchmarks.encoder"],
    "Uploads in processes of their own": ["-m", "benchmarks.intake"],
    "Calls of the service": ["-m", "benchmarks.service"],
    "Memory of the server": ["-m", "benchmarks.memory"],
    "The first look at the page": ["-m", "benchmarks.first_picture"],
    "The page in Chromium": ["-m", "benchmarks.browser"],
    "Picture against sound in LiveKit": ["-m", "benchmarks.livekit_sync"],
    "LiveKit's rooms in Chromium": ["-m", "benchmarks.livekit_browser"],
    "Picture against sound in Pipecat": ["-m", "benchmarks.pipecat_sync"],
}


def main() -> int:
    """Run every table in its own process; the exit code is the number of those that failed."""
    failed = 0
    for title, command in TABLES.items():
        print(f"\n## {title}\n", flush=True)
        failed += subprocess.run([sys.executable, *command], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
