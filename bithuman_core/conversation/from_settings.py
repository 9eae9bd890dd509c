"""The brain that the environment asks for."""

from __future__ import annotations

from collections.abc import Sequence

from bithuman_core.addresses import Address
from bithuman_core.conversation.brain import Brain
from bithuman_core.conversation.chat_address import ChatAddress
from bithuman_core.conversation.script import ScriptedBrain
from bithuman_core.settings import settings


def brain(persona: str = "", gestures: Sequence[str] = (), emotions: Sequence[str] = ()) -> Brain | None:
    """The service at ``BITHUMAN_LLM_URL`` (with _MODEL, _KEY), else the script ``BITHUMAN_SCRIPT``, else None.

    persona: who the avatar is, in plain words; ``BITHUMAN_PERSONA`` where it is "". Raises AddressError where one is set wrongly.
    """
    chosen = settings()
    if chosen.llm_url is not None:
        address = Address(chosen.llm_url, chosen.llm_model, chosen.llm_key)
        return ChatAddress(address, persona or chosen.persona, gestures, emotions)
    return ScriptedBrain.read(chosen.script) if chosen.script is not None else None
