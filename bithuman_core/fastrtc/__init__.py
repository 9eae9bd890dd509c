"""The browser as a way in and out: a FastRTC stream that takes a microphone and sends the avatar back over WebRTC."""

try:
    import fastrtc as _fastrtc
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "bithuman_core.fastrtc needs FastRTC: pip install 'bithuman-core[fastrtc]'.", name=error.name
    ) from error

from bithuman_core.fastrtc.handler import AvatarHandler
from bithuman_core.fastrtc.stream import avatar_stream, close_visit, close_visits
from bithuman_core.fastrtc.tracks import BitHumanAudioTrack, BitHumanVideoTrack
from bithuman_core.fastrtc.with_avatar import with_avatar

__all__ = [
    "AvatarHandler",
    "BitHumanAudioTrack",
    "BitHumanVideoTrack",
    "avatar_stream",
    "close_visit",
    "close_visits",
    "with_avatar",
]
del _fastrtc
