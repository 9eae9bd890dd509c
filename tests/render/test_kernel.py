"""Compiled kernels: read from the cache while their sources stand, compiled anew when a helper in another file changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KERNEL = """
from helper import twice
from numba import float64
from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch
from numba import void

@kernel(void(given(float64, 1), scratch(float64, 1)))
def run(values, out):
    out[0] = twice(values[0])
"""
HELPER = "from numba import njit\n\n@njit(nogil=True)\ndef twice(x):\n    return {} * x\n"
CALL = """
import numpy as np
import room
out = np.zeros(1)
room.run(np.ones(1), out)
print(out[0], sum(room.run.stats.cache_hits.values()))
"""


def run(folder: Path) -> tuple[float, bool]:
    """(what the kernel gives for 1, whether it came from the cache)."""
    done = subprocess.run([sys.executable, "-c", CALL], cwd=folder, capture_output=True, text=True, check=True)
    value, hits = done.stdout.split()
    return float(value), int(hits) > 0


def test_an_edited_helper_is_compiled_into_the_kernels_of_other_files(tmp_path: Path):
    (tmp_path / "room.py").write_text(KERNEL)
    (tmp_path / "helper.py").write_text(HELPER.format(2))
    assert run(tmp_path) == (2.0, False)
    assert run(tmp_path) == (2.0, True), "nothing changed, yet it was compiled again"
    (tmp_path / "helper.py").write_text(HELPER.format(3))
    assert run(tmp_path) == (3.0, False)
