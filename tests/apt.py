"""Programs that tests need, from Debian's packages, where they run as root."""

from __future__ import annotations

import os
import shutil
import subprocess


def install(package: str, purpose: str) -> bool:
    """Try to install a package, for a purpose that is told. Returns whether there was one to install; whether it worked is for
    the program's own search to tell."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    print(f"installing {package} for {purpose}", flush=True)
    subprocess.run(["apt-get", "-qq", "update"], check=False)
    known = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False).returncode == 0
    if known:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "-qq", "-y", "install", package], env=quiet, check=False)
    return known
