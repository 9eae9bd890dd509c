"""Finds gVisor's runsc for the tests, or installs it: ``python -m tests.faults.gvisor`` prints its path.

Sandboxed hosts of containers run gVisor. Debian has it as a package; where it cannot be had, or not be run (that takes root), the
tests that need it are skipped. A CI run (CI=true) fails where apt knows the package and root cannot install it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.apt import install

MISSING = "NO GVISOR: the tests in its sandbox are skipped. Install runsc (Debian: apt install runsc) and run them as root."
# ptrace works inside virtual machines and containers, too; nothing reaches the network, and what is written is forgotten.
SANDBOX = ("--platform=ptrace", "--network=none", "--ignore-cgroups", "do")


def is_root() -> bool:
    """Whether this process may start a sandbox."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def find_runsc() -> str | None:
    """The path of a runsc that can be used here, or None."""
    path = shutil.which("runsc")
    if path is None or not is_root():
        return None
    tried = subprocess.run([path, *SANDBOX, "true"], capture_output=True, check=False, timeout=60)
    return path if tried.returncode == 0 else None


def main() -> int:
    """Exit code 1 only where a CI run could have had it."""
    known = shutil.which("runsc") is None and install("runsc", "the tests in gVisor")
    path = find_runsc()
    print(path or f"\n{'!' * 100}\n{MISSING}\n{'!' * 100}\n", flush=True)
    return int(known and shutil.which("runsc") is None and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())
