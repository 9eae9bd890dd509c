"""Avatars that live on pages of other sites: who may show them, their visits, and the script that such a page loads.

What needs FastRTC is in ``visits`` and ``visit``; the rest works without it.
"""

import os
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when FastRTC brings Gradio in: nothing leaves the machine

PAGE = Path(__file__).with_name("page")  # scripts and the page for frames
