"""What the machine gives at the moment: other guests of its host take time that no counter of this system shows."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SIDE = 96  # px of the matrices: they stay in a core's own cache


def pace(seconds: float = 1.0) -> float:
    """Fixed calculations a second, on all cores at once. Only the ratio of two of them says something."""
    end = time.monotonic() + seconds

    def work(_: int) -> int:
        matrix, done = np.ones((SIDE, SIDE), np.float32), 0
        while time.monotonic() < end:
            np.dot(matrix, matrix)
            done += 1
        return done

    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        return sum(pool.map(work, range(cores))) / seconds
