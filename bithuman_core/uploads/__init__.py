"""Files that somebody else sent: what the page and the worker take in, each read in a process of its own (``intake``)."""

from bithuman_core.uploads.avatar import check_avatar
from bithuman_core.uploads.background import read_background
from bithuman_core.uploads.motion import read_motion
from bithuman_core.uploads.photo import build_from_photo, can_build
from bithuman_core.uploads.reading import reading_pool
from bithuman_core.uploads.sound import read_sound

__all__ = ["build_from_photo", "can_build", "check_avatar", "read_background", "read_motion", "read_sound", "reading_pool"]
