"""The avatar in a LiveKit room: ``AvatarSession`` beside an ``AgentSession``, or tracks to publish oneself.

Needs the extra: ``pip install 'bithuman-core[livekit]'``. Importing it changes nothing outside (no log handler, no plugin).
"""

try:
    from livekit import agents as _agents
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "bithuman_core.livekit needs LiveKit's packages: pip install 'bithuman-core[livekit]'.", name=error.name
    ) from error

from bithuman_core.livekit.generator import AvatarGenerator
from bithuman_core.livekit.publisher import AvatarPublisher, VoiceLedSynchronizer
from bithuman_core.livekit.session import AvatarSession, BitHumanException
from bithuman_core.livekit.tracks import BitHumanAudioTrack, BitHumanVideoTrack

__all__ = [
    "AvatarGenerator",
    "AvatarPublisher",
    "AvatarSession",
    "BitHumanAudioTrack",
    "BitHumanException",
    "BitHumanVideoTrack",
    "VoiceLedSynchronizer",
]
del _agents
