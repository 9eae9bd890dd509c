"""Finds a device for wgpu, or installs Mesa's, which the CPU imitates: ``python -m tests.render.vulkan`` prints what there is.

Where none can be had its tests are skipped, which a CI run (CI=true) counts as a failure where apt knows the package.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bithuman_core.render.gpu.device import describe
from tests.apt import install

MISSING = "NO VULKAN: the tests of drawing on a graphics processor are skipped (Debian: apt install mesa-vulkan-drivers)."
PACKAGE = "mesa-vulkan-drivers"
LOOK = "from bithuman_core.render.gpu.device import describe; print('; '.join(describe()))"


def found() -> str:
    """What there is, looked for by another process: drivers are found once a process."""
    return subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=False).stdout.strip()


def has_device() -> bool:
    """Whether this process finds one."""
    return bool(describe())


on_a_device = pytest.mark.skipif(not has_device(), reason=MISSING)


def main() -> int:
    """Exit code 1 only where a CI run has none that apt could have brought."""
    known = not found() and install(PACKAGE, "the tests of drawing on a graphics processor")
    device = found()
    print(device or f"\n{'!' * 100}\n{MISSING}\n{'!' * 100}\n", flush=True)
    return int(known and not device and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())
