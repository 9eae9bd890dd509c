"""The browser as a way in and out: a FastRTC stream that takes a microphone and sends the avatar back over WebRTC."""

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
