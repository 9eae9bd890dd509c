"""The agent's voice on its way to the avatar, which can hold it: LiveKit pauses where the user may have interrupted."""

from __future__ import annotations

from livekit.agents.voice.avatar import QueueAudioOutput
from livekit.agents.voice.io import AudioOutputCapabilities

from bithuman_core.runtime import AsyncBithuman


class VoiceOutput(QueueAudioOutput):
    """LiveKit's queue to an avatar, with ``can_pause``: after a false interruption the avatar goes on where it was.

    While it is paused the lips are closed and nothing is lost; 180 ms that are on their way are still heard.
    """

    def __init__(self, runtime: AsyncBithuman, sample_rate: int) -> None:
        super().__init__(sample_rate=sample_rate, wait_playback_start=True)
        self._capabilities = AudioOutputCapabilities(pause=True)  # LiveKit's queue has no argument for it
        self._runtime = runtime

    def pause(self) -> None:
        """Hold what has not been spoken."""
        super().pause()
        self._runtime.pause()

    def resume(self) -> None:
        """Go on."""
        super().resume()
        self._runtime.resume()
