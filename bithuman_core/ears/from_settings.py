"""The ears that the environment asks for."""

from __future__ import annotations

from bithuman_core.addresses import Address
from bithuman_core.ears.address import TranscriptionAddress
from bithuman_core.ears.moonshine import Moonshine
from bithuman_core.ears.transcriber import Transcriber
from bithuman_core.settings import settings


def speech_to_text(*, installed: bool = True) -> Transcriber | None:
    """The service at ``BITHUMAN_STT_URL`` (with _MODEL, _KEY, _LANGUAGE) where that is set, else what is installed, else None.

    installed: whether there is memory for what is installed (some 250 MiB). Takes a second.
    Raises AddressError where it is set wrongly.
    """
    chosen = settings()
    if chosen.stt_url is not None:
        return TranscriptionAddress(Address(chosen.stt_url, chosen.stt_model, chosen.stt_key), chosen.stt_language)
    return Moonshine() if installed and Moonshine.is_here() else None
