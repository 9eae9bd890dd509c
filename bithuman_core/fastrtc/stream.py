"""The FastRTC stream that serves an avatar to several visitors."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiortc import codecs, rtcrtpreceiver, rtp
from aiortc.codecs import vpx
from aiortc.jitterbuffer import JitterBuffer
from av import VideoFrame
from fastrtc import Stream, tracks

from bithuman_core.clock import MonotonicClock
from bithuman_core.fastrtc.handler import AvatarHandler
from bithuman_core.fastrtc.live_session import LiveEngine, SharedResources
from bithuman_core.fastrtc.media.audio_level import audio_level_dbov
from bithuman_core.fastrtc.media.opus import MicrophoneDecoder, VoiceEncoder, decode_arriving, hand_on
from bithuman_core.fastrtc.media.vp8 import DrawnVp8Encoder
from bithuman_core.fastrtc.steady_time import keep_time

# Bits a second of VP8. aiortc follows the receiver's estimate inside these bounds; its own (0.25 to 1.5 Mbit/s from 0.5) blur
# a 512 px face after every still moment, because the estimate falls with what is sent.
MIN_BITRATE, START_BITRATE, MAX_BITRATE = 1_000_000, 1_500_000, 2_500_000

# How long a thread may keep Python's lock from one that waits, a fifth of Python's own: a tick takes the lock a dozen times.
SWITCH_SECONDS = 0.001

# FastRTC's own, for handlers that are none of ours.
ARRAY_TO_FRAME = tracks.VideoStreamHandler_.array_to_frame
PLAYER_WORKER = tracks.player_worker_decode  # pyright: ignore[reportPrivateImportUsage]


class PromptJitterBuffer(JitterBuffer):
    """Puts packets in order and hands each on as soon as it is complete.

    aiortc's own keeps four packets of sound (80 ms) back against jitter. Here the microphone buffer does that, with as little
    delay as the network asks for.
    """

    def __init__(self, capacity: int, prefetch: int = 0, is_video: bool = False) -> None:
        super().__init__(capacity, 0, is_video)


def as_it_is(track: Any, picture: Any) -> VideoFrame:
    """The handler's pictures are frames already; FastRTC would copy them into new ones on the event loop. Arrays go its way."""
    return picture if isinstance(picture, VideoFrame) else ARRAY_TO_FRAME(track, picture)


def hand_on_voice(emit: Callable[[], Any], waiting: Any, ended: Any, *given: Any) -> Coroutine[Any, Any, None]:
    """The avatar's voice is handed on as it is; what other handlers of the process give goes FastRTC's way."""
    handler = getattr(inspect.unwrap(emit), "__self__", None)
    worker = hand_on if isinstance(handler, AvatarHandler) else PLAYER_WORKER
    return worker(emit, waiting, ended, *given)


def avatar_stream(
    make_engine: Callable[[], LiveEngine],
    *,
    visitors: int,
    rtc_configuration: Callable[[], Coroutine[Any, Any, dict[str, Any]]],
    measure: Callable[[float, bool], None] = lambda work, fresh: None,
) -> Stream:
    """A stream with one engine a visitor.

    ``make_engine`` is called in a worker thread once a connection. ``visitors`` is how many may be connected at once (the
    next one is told ``concurrency_limit_reached``). ``rtc_configuration`` gives the browser's RTCConfiguration.
    ``measure(work, fresh)`` is told of each tick of all of them: its work in s, and whether its picture is a new one.
    """
    vpx.MIN_BITRATE, vpx.DEFAULT_BITRATE, vpx.MAX_BITRATE = MIN_BITRATE, START_BITRATE, MAX_BITRATE
    # For all connections of the process, as the bit rates are.
    codecs.Vp8Encoder = DrawnVp8Encoder  # pyright: ignore[reportPrivateImportUsage]
    codecs.OpusEncoder, codecs.OpusDecoder = VoiceEncoder, MicrophoneDecoder  # pyright: ignore[reportPrivateImportUsage]
    rtp.compute_audio_level_dbov = audio_level_dbov
    rtcrtpreceiver.JitterBuffer = PromptJitterBuffer  # pyright: ignore[reportPrivateImportUsage]
    rtcrtpreceiver.decoder_worker = decode_arriving
    tracks.player_worker_decode = hand_on_voice  # pyright: ignore[reportPrivateImportUsage]
    tracks.VideoStreamHandler_.array_to_frame = as_it_is  # pyright: ignore[reportAttributeAccessIssue]
    keep_time()
    sys.setswitchinterval(SWITCH_SECONDS)
    # A thread for each: a tick that waits for a core keeps no other from its turn.
    pool = ThreadPoolExecutor(visitors, thread_name_prefix="avatar")
    closing: set[asyncio.Task[None]] = set()

    def hang_up(handler: AvatarHandler) -> None:
        for webrtc_id, candidate in stream.handlers.items():
            if candidate is handler:
                task = asyncio.create_task(close_visit(stream, webrtc_id))
                closing.add(task)
                task.add_done_callback(closing.discard)

    stream = Stream(
        AvatarHandler(SharedResources(make_engine, pool, MonotonicClock(), measure=measure), hang_up),
        modality="audio-video",
        mode="send-receive",
        concurrency_limit=visitors,
        rtc_configuration=rtc_configuration,
        server_rtc_configuration={"iceServers": []},  # its own address is enough: visitors come to it
        verbose=False,
    )
    follow = stream.handle_offer

    async def handle_offer(body: Any, set_outputs: Any) -> Any:
        answer = await follow(body, set_outputs)
        look_away(stream, body.get("webrtc_id"))  # before the visitor knows how to send anything
        return answer

    stream.handle_offer = handle_offer
    return stream


def look_away(stream: Stream, webrtc_id: str | None) -> None:
    """Throw away the pictures that a visitor sends, before they are decoded: none are asked for, and one can take a gigabyte."""
    for line in stream.pcs[webrtc_id].getTransceivers() if webrtc_id in stream.pcs else ():
        if line.kind == "video":
            line.receiver._enabled = False


async def close_visits(stream: Stream) -> None:
    """Hang up on every visitor, so that their pages say so at once."""
    await asyncio.gather(*(close_visit(stream, webrtc_id) for webrtc_id in list(stream.pcs)), return_exceptions=True)


async def close_visit(stream: Stream, webrtc_id: str) -> None:
    """Hang up on one visitor, where they are still there. The place is free at once; closing takes its time."""
    if (connection := stream.pcs.pop(webrtc_id, None)) is not None:
        if (waited_for := stream.connection_timeouts.get(webrtc_id)) is not None:
            waited_for.set()  # else FastRTC waits half a minute for it
        try:
            await connection.close()
        finally:
            stream.clean_up(webrtc_id)  # where nothing was connected yet FastRTC does not hear of the end
