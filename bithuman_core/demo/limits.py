"""What one visitor, one network address, and all of them together may take of the server. ``docs/limits.md`` lists the same."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB = 2**10, 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, durations in seconds. The defaults suit a public page on a small machine.

    What is counted for an address leaves room for an office behind one of them. This machine itself is counted only where
    ``own_machine`` says so: programs of one's own may do what they like.
    """

    # one visitor
    live: float = float("inf")  # the longest time on air at a stretch, counted from the offer
    visit_idle: float = 180.0  # a page that has not been heard of for so long is closed
    visit_quiet: float = 60.0  # ... after so long where another one needs its room and it keeps no line open
    offer_idle: float = 8.0  # who was told to come in and does not follow stands at the end of the line
    connect_idle: float = 15.0  # an offer whose sound and picture are not asked for after so long is hung up
    avatars: int = 4  # of one visitor's own
    clips: int = 3  # kept of one visitor; the oldest one goes
    requests: int = 20  # uploads, texts and videos of one visitor at once, and ...
    requests_per_second: float = 0.2  # ... so many more
    offers: int = 8  # of one visitor at once, and ...
    offers_per_second: float = 0.2  # ... so many more
    lines: int = 10  # that a page opens at once to show that it is there, and ...
    lines_per_second: float = 0.5  # ... so many more

    # one file or text
    avatar_bytes: int = 32 * MIB  # ours have some 3 MiB
    photo_bytes: int = 24 * MIB
    clip_bytes: int = 96 * MIB  # a minute of a phone's 1080p, 12 Mbit/s
    audio_bytes: int = 48 * MIB
    audio_seconds: float = 180.0  # also of motion
    background_bytes: int = 24 * MIB  # a picture to stand before
    motion_bytes: int = 16 * MIB  # three minutes of Live Link Face at 60 frames a second have 8.4 MiB
    text: int = 600  # characters; figures, signs and the letters of Chinese, Japanese and Korean count as three
    upload_seconds: float = 120.0  # of the command line's sound file

    # one request
    body_bytes: int = 128 * KIB  # that is no file
    tool_bytes: int = 1 * MIB  # of a call of an MCP tool; larger files are uploaded first
    header_seconds: float = 10.0  # until a request has said what it wants
    silence_seconds: float = 10.0  # between two pieces of a body
    slow_seconds: float = 20.0  # that any body may take, and ...
    slow_bytes_per_second: int = 4 * KIB  # ... a second more for so many bytes that have come
    unread_seconds: float = 60.0  # that a client may leave an answer unread

    # one address
    connections_each: int = 200  # and requests under way: a web server in front sends many over one connection
    visitors_each: int = 40
    waiting_each: int = 8  # in the line for a place
    calls: int = 12  # of the endpoints, from one address at once, and ...
    calls_per_second: float = 0.2  # ... so many more
    asks: int = 3000  # requests that change nothing, at once (a page begins with some 120), and ...
    asks_per_second: float = 25.0  # ... so many more
    posts: int = 300  # requests that are more than a question, at once, and ...
    posts_per_second: float = 8.0  # ... so many more
    uploads_each: int = 8  # under way
    upload_bytes_each: int = 256 * MIB  # under way
    stored_bytes_each: int = 512 * MIB  # uploaded at once, and as much an hour
    jobs_each: int = 6  # events in Gradio's queue
    speeches_each: int = 6  # texts that are being spoken or wait for it

    # all together
    connections: int = 1024  # and no more than half the files that the process may open
    visitors: int = 200  # pages that are open, live or not
    avatars_all: int = 24  # of all visitors' own together, some 15 MiB of memory each
    uploads: int = 24  # under way
    upload_bytes: int = 768 * MIB  # under way
    stored_bytes: int = 4096 * MIB  # uploaded at once, and as much an hour
    waiting: int = 64  # events in Gradio's queue
    speeches: int = 16  # texts that are being spoken or wait for it

    own_machine: bool = False

    @property
    def file_bytes(self) -> int:
        """Of the largest file that is taken, of whatever kind."""
        return max(self.audio_bytes, self.avatar_bytes, self.photo_bytes, self.clip_bytes, self.motion_bytes)
