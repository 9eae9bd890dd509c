"""The brain that the environment asks for."""

from __future__ import annotations

from collections.abc import Sequence

from bithuman_core.addresses import Address
from bithuman_core.conversation.brain import Brain
from bithuman_core.conversation.chat_address import ChatAddress
from bithuman_core.conversation.realtime import RealtimeAddress
from bithuman_core.conversation.script import ScriptedBrain
from bithuman_core.conversation.tools import Tool
from bithuman_core.settings import settings


def brain(tools: Sequence[Tool] = ()) -> Brain | RealtimeAddress | None:
    """The service at ``BITHUMAN_LLM_URL`` (with _MODEL, _KEY), else the script ``BITHUMAN_SCRIPT``, else None.

    An address that begins with ws is one of OpenAI's Realtime API, ears, brain and voice in one (with _MODEL, _KEY, and
    ``BITHUMAN_TTS_VOICE``). ``BITHUMAN_PERSONA`` is what is said of all avatars; the files of some say more. tools: what the
    service may ask your program.
    Raises AddressError where one is set wrongly.
    """
    chosen = settings()
    if chosen.llm_url is not None and chosen.llm_url.startswith("ws"):
        model, key, voice = chosen.llm_model, chosen.llm_key, chosen.tts_voice
        return RealtimeAddress.of(chosen.llm_url, model, key, voice, chosen.persona, tuple(tools))
    if chosen.llm_url is not None:
        address = Address(chosen.llm_url, chosen.llm_model, chosen.llm_key)
        return ChatAddress(address, chosen.persona, tuple(tools))
    return ScriptedBrain.read(chosen.script) if chosen.script is not None else None
