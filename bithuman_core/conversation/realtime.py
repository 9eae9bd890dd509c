"""Ears, brain and voice in one, at an address that speaks OpenAI's Realtime API over a WebSocket (``wss://api.openai.com/v1``)."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from pydantic import SecretStr

from bithuman_core.addresses import Address, what_failed
from bithuman_core.audio.sound import Sound
from bithuman_core.conversation.brain import Role
from bithuman_core.conversation.chat_address import MANNER
from bithuman_core.conversation.history import History
from bithuman_core.conversation.role_tools import act_of, role_tools
from bithuman_core.conversation.spoken import SpokenSentences
from bithuman_core.conversation.stage import Stage, State
from bithuman_core.conversation.talk import AT_A_LOSS, Voice
from bithuman_core.conversation.tools import Tool
from bithuman_core.ears.echo import EchoGate
from bithuman_core.ears.voice_activity import WINDOW
from bithuman_core.errors import BithumanError
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice.sentences import SentenceSplitter

logger = logging.getLogger(__name__)

RATE = 24_000  # Hz, of both ways: int16, little-endian, mono
SECONDS = 30.0  # longest silence of the service where something is asked of it
AGAIN = 5.0  # s: from a connection that is lost to the next one
LARGEST = 2**24  # bytes of a message
HELD = 250  # messages that wait for a slow line (8 s of sound): sound beyond that is lost
SOUND = "input_audio_buffer.append"
LATE = "invalid_request_error"  # its word for what came a moment too late as well: an answer that was over is cut off
UNABLE = "The brain at {host} could not answer: try again."
LOST = "The talk at {host} was cut off: it is being taken up again."


@dataclass(frozen=True, slots=True)
class RealtimeAddress:
    """The address (of the same service by HTTP), its name for the voice, what the host says of all its avatars, and what the
    model may ask of the program."""

    address: Address
    voice: str
    persona: str = ""
    tools: tuple[Tool, ...] = ()

    @classmethod
    def of(
        cls, url: str, model: str, key: SecretStr | None, voice: str, persona: str = "", tools: tuple[Tool, ...] = ()
    ) -> RealtimeAddress:
        """``ws://`` or ``wss://``. Raises AddressError."""
        return cls(Address(f"http{url.removeprefix('ws')}", model, key), voice, persona, tools)


class RealtimeTalk:
    """A talk as ``conversation.talk.Talk`` is one, all on the event loop. The service hears when turns begin and end.

    voice: this machine's own, which says so where the service fails; ``work`` runs it in a thread.
    """

    def __init__(
        self,
        stage: Stage,
        brain: RealtimeAddress,
        voice: Voice,
        work: Callable[[Callable[[], Any]], Awaitable[Any]],
        history: History | None = None,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.history = history or History()
        self.state: State = "listening"
        self._role = Role()
        self._stage, self._brain, self._voice, self._work, self._sleep = stage, brain, voice, work, sleep
        self._gate, self._rest = EchoGate(), np.zeros(0, np.int16)
        self._up = soxr.ResampleStream(SAMPLE_RATE, RATE, 1, dtype="int16")
        self._waiting: asyncio.Queue[dict[str, Any]] | None = None  # what is to be sent; None: there is no line
        self._owed: list[dict[str, Any]] = []  # answers that were asked for meanwhile
        self._by_key, self._pressed, self._pause = False, False, 0.5
        self._sound: Sound | None = None
        self._item = self._dropped = ""  # of the service: what is being spoken, and what was cut off
        self._text, self._splitter = list[str](), SentenceSplitter()
        self._down = self._new_down()
        self._calls: list[asyncio.Task[None]] = []  # of functions: the answer goes on after them
        self._going_on: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._live())

    @property
    def role(self) -> Role:
        """Who the avatar is; may change at any time."""
        return self._role

    @role.setter
    def role(self, role: Role) -> None:
        self._role = role
        self._send(**self._settings())

    # -- what happens to it -------------------------------------------------------------------------------------------
    def hear(self, samples: NDArray[np.int16]) -> None:
        """Sound of the microphone, int16 [n] at 16 kHz; what is only the avatar's own voice is silence to the service."""
        sound = np.concatenate([self._rest, samples])
        whole = sound.size // WINDOW * WINDOW
        self._rest = sound[whole:]
        for window in sound[:whole].reshape(-1, WINDOW):
            heard = np.zeros_like(window) if self._gate.is_own(window) else window
            if not self._by_key or self._pressed:
                more = self._up.resample_chunk(heard)
                self._send(type=SOUND, audio=base64.b64encode(more.astype("<i2").tobytes()).decode())

    def plays(self, samples: NDArray[np.int16]) -> None:
        """Sound that goes to the loudspeaker, int16 [n] at 16 kHz."""
        self._gate.play(samples)

    def by_key(self, on: bool) -> None:
        """Push to talk, as of ``Talk``."""
        if on != self._by_key:
            self._by_key, self._pressed = on, False
            self._send(**self._settings())

    def end_turns_after(self, seconds: float) -> None:
        """How long a pause ends a turn, from now on."""
        self._pause = seconds
        self._send(**self._settings())

    def press(self) -> None:
        """The key goes down."""
        if self._by_key and not self._pressed:
            self.interrupt()
            self._pressed = True
            self._send(type="input_audio_buffer.clear")
            self._go("hearing")

    def let_go(self) -> None:
        """The key is let go: the turn is over."""
        if self._pressed:
            self._pressed = False
            self._send(type="input_audio_buffer.commit")
            self._send(type="response.create")
            self._go("thinking")

    def read(self, text: str) -> None:
        """Typed words."""
        if words := " ".join(text.split()):
            self.interrupt()
            self.history.hear(words)
            self._stage.tell("user", words)
            content = [{"type": "input_text", "text": words}]
            self._send(type="conversation.item.create", item={"type": "message", "role": "user", "content": content})
            self._send(type="response.create")
            self._go("thinking")

    def greet(self, text: str) -> None:
        """Say something of one's own accord."""
        self._send(type="response.create", response={"instructions": f"Say nothing but this: {text}"})

    def go_on(self, text: str, played: int) -> None:
        """Say the rest of something; the service makes its sound anew, so that what was played of it is not known."""
        self.greet(text)

    def answer(self) -> None:
        """Answer the last line of the history, which the service was told of."""
        self._send(type="response.create")
        self._go("thinking")

    def left(self, played: int) -> tuple[str, int]:
        """Nothing: what the service still has to say is known to it alone."""
        return "", 0

    def interrupt(self) -> None:
        """What is being said ends at once; the service is told how much of it was heard."""
        sound, self._sound = self._sound, None
        if sound is not None:
            played = min(self._stage.hush(), sound.samples.size)
            self.history.say(self._heard(sound, played), cut_off=not sound.whole or played < sound.samples.size)
            if self._item:  # "": the machine's own voice
                self._cut(whole=sound.whole, heard=played / SAMPLE_RATE)
            sound.end()
        self._go("listening")

    def _cut(self, *, whole: bool, heard: float) -> None:
        """Tell the service that so many seconds of what it says were heard."""
        if not whole:
            self._send(type="response.cancel")
        milliseconds = round(1000 * heard)
        self._send(type="conversation.item.truncate", item_id=self._item, content_index=0, audio_end_ms=milliseconds)
        self._dropped, self._item = self._item, ""

    def spoken(self, sound: Sound) -> None:
        """The stage has spoken a sound to its end."""
        if sound is self._sound:
            self._sound, self._item = None, ""
            self.history.say(self._heard(sound, sound.samples.size))
            self._go("listening")

    def forget(self) -> None:
        """Begin anew: nothing was said, to the service neither."""
        self.interrupt()
        self.history.clear()
        self._task.cancel()
        self._task = asyncio.create_task(self._live())

    async def close(self) -> None:
        """End the talk."""
        self._task.cancel()
        await asyncio.wait([self._task])
        self.interrupt()

    # -- the connection -----------------------------------------------------------------------------------------------
    async def _live(self) -> None:
        """Connect, and again where the line is lost: the visit lives on."""
        import openai
        from websockets.exceptions import WebSocketException

        address = self._brain.address
        while True:
            try:
                async with address.async_client(SECONDS) as client, self._connect(client) as line:
                    self._waiting = asyncio.Queue()
                    owed, self._owed = self._owed, []
                    for event in (self._settings(), *self._told(), *owed):
                        self._send(**event)
                    sending = asyncio.create_task(self._send_on(line, self._waiting))
                    try:
                        async for event in line:
                            await self._follow(event)
                    finally:
                        self._waiting = None
                        sending.cancel()
                self._stage.tell("error", LOST.format(host=address.host))
            except openai.OpenAIError as error:
                self._stage.tell("error", what_failed(error, address, "brain"))
            except WebSocketException as error:
                status = getattr(getattr(error, "response", None), "status_code", None)
                self._stage.tell("error", _refused(status, address))
            except OSError:
                self._stage.tell("error", f"The brain at {address.host} cannot be reached: see whether the service runs.")
            await self._lose()
            await self._sleep(AGAIN)

    def _connect(self, client: Any) -> Any:
        return client.realtime.connect(
            model=self._brain.address.model, websocket_connection_options={"max_size": LARGEST}, max_retries=0
        )

    async def _send_on(self, line: Any, waiting: asyncio.Queue[dict[str, Any]]) -> None:
        while True:
            await line.send(await waiting.get())

    def _send(self, **event: Any) -> None:
        if self._waiting is None:
            self._owed = [event] if event["type"] == "response.create" else self._owed
            return
        if self._waiting.qsize() < HELD or event["type"] != SOUND:
            self._waiting.put_nowait(event)

    async def _lose(self) -> None:
        """The line is gone: what was begun ends where it is, and who waits for an answer is told that there is none now."""
        if self._sound is not None:
            self._sound.end()
        elif self.state == "thinking":
            await self._apologise()
        else:
            self._go("listening")

    async def _apologise(self) -> None:
        try:
            pieces = await self._work(lambda: list(self._voice.stream(AT_A_LOSS)))
        except BithumanError as error:
            self._stage.tell("error", error.message)
            self._go("listening")
            return
        if self.state != "thinking":  # something else has been said meanwhile
            return
        self._stage.tell("avatar", AT_A_LOSS)
        self._text, self._sound = [], Sound(np.concatenate(pieces))
        self._go("speaking")
        self._stage.say(self._sound)

    def _settings(self) -> dict[str, Any]:
        turns = None if self._by_key else {"type": "server_vad", "silence_duration_ms": round(1000 * self._pause)}
        tools = [*role_tools(self._role), *(tool.schema for tool in self._brain.tools)]
        form = {"type": "audio/pcm", "rate": RATE}
        return {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "instructions": "\n\n".join(filter(None, (self._brain.persona, self._role.persona, MANNER))),
                "output_modalities": ["audio"],
                "audio": {
                    "input": {"format": form, "turn_detection": turns, "transcription": {"model": "whisper-1"}},
                    "output": {"format": form, "voice": self._brain.voice},
                },
                "tools": [{"type": "function", **tool["function"]} for tool in tools],
            },
        }

    def _told(self) -> Iterable[dict[str, Any]]:
        """What was said before this connection."""
        for line in self.history.lines:
            user = line.who == "user"
            content = [{"type": "input_text" if user else "output_text", "text": line.text}]
            role = "user" if user else "assistant"
            yield {"type": "conversation.item.create", "item": {"type": "message", "role": role, "content": content}}

    async def _follow(self, event: Any) -> None:
        match event.type:
            case "input_audio_buffer.speech_started":
                self.interrupt()
                self._go("hearing")
            case "input_audio_buffer.speech_stopped":
                self._go("thinking")
            case "conversation.item.input_audio_transcription.completed" if event.transcript.strip():
                self.history.hear(event.transcript)
                self._stage.tell("user", " ".join(event.transcript.split()))
            case "response.created":
                self._down, self._splitter, self._calls = self._new_down(), SentenceSplitter(), []
                self._text = [] if self._sound is None else self._text
            case "response.output_audio.delta":
                self._append(event.item_id, base64.b64decode(event.delta))
            case "response.output_audio_transcript.delta" if event.item_id != self._dropped:
                self._write(self._splitter.feed(event.delta))
            case "response.output_audio_transcript.done" if event.item_id != self._dropped:
                self._write(self._splitter.end())
            case "response.function_call_arguments.done":
                self._call(event.name, event.arguments, event.call_id)
            case "response.done":
                self._end(event.response)
            case "error":
                logger.warning("The service of a talk says: %s", event.error.code or event.error.type)
                if event.error.type != LATE:
                    self._stage.tell("error", UNABLE.format(host=self._brain.address.host))

    def _append(self, item: str, data: bytes) -> None:
        if item == self._dropped:
            return
        if self._sound is None:
            self._sound = Sound()
            self._go("speaking")
            self._stage.say(self._sound)
        self._item = item
        self._sound.append(self._down.resample_chunk(np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)))

    def _write(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self._stage.tell("avatar", sentence)
            self._text.append(sentence)

    def _heard(self, sound: Sound, played: int) -> str:
        """The words that so many samples held, by their share: the service says what it says, not when."""
        return SpokenSentences([" ".join(self._text)], [sound.samples.size]).heard(played)

    def _call(self, name: str, arguments: str, call: str) -> None:
        if (act := act_of(self._role, name, arguments)) is not None:
            self._stage.act(act)
        self._calls.append(asyncio.create_task(self._answer_call(name, arguments, call)))

    async def _answer_call(self, name: str, arguments: str, call: str) -> None:
        tool = next((tool for tool in self._brain.tools if tool.name == name), None)
        output = "done" if tool is None else await asyncio.to_thread(tool.call, arguments)
        self._send(type="conversation.item.create", item={"type": "function_call_output", "call_id": call, "output": output})

    async def _go_on_after(self, calls: list[asyncio.Task[None]]) -> None:
        await asyncio.wait(calls)
        self._send(type="response.create")

    def _end(self, response: Any) -> None:
        if self._calls and (self._sound is None or self._brain.tools):  # it has only acted, or waits for what it asked
            self._going_on = asyncio.create_task(self._go_on_after(self._calls))
        elif self._sound is not None and not self._sound.whole:
            self._sound.append(self._down.resample_chunk(np.zeros(0, np.int16), last=True))
            self._sound.end()
        elif self._sound is None:
            if response.status == "failed":
                self._stage.tell("error", UNABLE.format(host=self._brain.address.host))
            self._go("listening")

    def _go(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._stage.tell("state", state)

    @staticmethod
    def _new_down() -> soxr.ResampleStream:
        return soxr.ResampleStream(RATE, SAMPLE_RATE, 1, dtype="int16")


def _refused(status: int | None, address: Address) -> str:
    """Why a service did not let the connection in."""
    if status in (401, 403):
        return f"The brain at {address.host} does not take the key that is set: its owner has to set another one."
    if status == 429:
        return f"The brain at {address.host} is asked too much at the moment: wait a little, then try again."
    if status is not None and status >= 500:
        return f"The brain at {address.host} answered with an error ({status}): see its log."
    if status is None:
        return LOST.format(host=address.host)
    return f"The brain at {address.host} does not speak OpenAI's Realtime API ({status}): see its address."
