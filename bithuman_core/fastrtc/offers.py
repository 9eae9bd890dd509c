"""What an offer must bring before a connection is made of it: one line of sound, one of pictures, and nothing without end."""

from __future__ import annotations

from collections import Counter

from aiortc.sdp import SessionDescription

MOST_CANDIDATES = 64  # of one line; browsers have some ten
BOTH_WAYS = "sendrecv"


class OfferError(ValueError):
    """An offer that is not followed; the text is the sentence for the visitor."""


def check_offer(sdp: str) -> None:
    """Raises OfferError unless an offer asks for what an avatar is: sound and pictures, both ways, and at most one data channel.

    Without them FastRTC never learns of a connection's end, and waits for its tracks for ever.
    """
    try:
        lines = SessionDescription.parse(sdp).media
    except Exception as error:  # of any kind: aiortc reads without looking
        raise OfferError("The server did not understand this browser's offer: reload the page.") from error
    kinds = Counter(line.kind for line in lines)
    if kinds["audio"] != 1 or kinds["video"] != 1 or kinds["application"] > 1 or kinds.total() > 3:
        raise OfferError("An offer has one line of sound, one of pictures and at most one data channel: reload the page.")
    if any(line.port == 0 or (line.direction or BOTH_WAYS) != BOTH_WAYS for line in lines if line.kind != "application"):
        raise OfferError("Sound and pictures go both ways here: reload the page.")
    if any(len(line.ice_candidates) > MOST_CANDIDATES for line in lines):
        raise OfferError(f"An offer with more than {MOST_CANDIDATES} addresses is not looked at: reload the page.")
