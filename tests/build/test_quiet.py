"""A build says what is ours to say; what others write meanwhile is not lost."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import os
from bithuman_core.build.photo.models import load_segmentation
from bithuman_core.build.photo.quiet import LINE, without_the_delegates_line
load_segmentation()
with without_the_delegates_line():
    os.write(2, b"before\\n" + LINE + b"\\nafter\\n")
os.write(2, b"then\\n")
"""


def test_the_line_of_tensorflow_lite_is_left_out_and_no_other() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env={**os.environ}, check=True)
    assert done.stderr.splitlines() == ["before", "after", "then"]
