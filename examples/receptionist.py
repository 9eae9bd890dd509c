"""A receptionist who answers: ``python -m examples.receptionist`` (all options of ``app.py``).

Without more she answers from ``receptionist.yaml``. With a model (``BITHUMAN_LLM_URL``, see ``docs/conversation.md``) she speaks
freely, and asks this program where she does not know: any Python function with annotations and a docstring can be a tool.
"""

from __future__ import annotations

import os
from pathlib import Path

from bithuman_core.conversation import Tool

PERSONA = "You are the receptionist of the Harbour House, a small hotel by the sea. You are warm and brief."
ROOMS = {"single": 80, "double": 120}  # euros a night


def price_of_a_room(kind: str, nights: int = 1) -> str:
    """What a room costs. kind: single or double."""
    if kind not in ROOMS:
        return f"There is no {kind} room, but: {', '.join(ROOMS)}."
    return f"{ROOMS[kind] * nights} euros"


def main() -> None:
    """Serve the page."""
    os.environ.setdefault("BITHUMAN_PERSONA", PERSONA)
    os.environ.setdefault("BITHUMAN_SCRIPT", str(Path(__file__).with_suffix(".yaml")))
    from bithuman_core.demo.run import main as serve

    serve(tools=[Tool.of(price_of_a_room)])


if __name__ == "__main__":
    main()
