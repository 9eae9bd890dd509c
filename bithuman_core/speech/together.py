"""Sessions whose ticks come at the same moment go through the net in one run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
State = dict[str, Floats]
Run = Callable[[Floats, Floats, State], list[Floats]]
"""Of N sessions: mel [N, 4, bands], opening [N, 1], state; see :meth:`bithuman_core.speech.net.SpeechNet.run`."""


@dataclass(eq=False)
class Asked:
    """A tick of one session."""

    mel: Floats  # [4, bands]
    opening: Floats  # [1, 1]
    state: State  # of this session; afterwards what it knows then
    said: list[Floats] = field(default_factory=list)  # empty: it has not been run yet
    fault: BaseException | None = None


class TogetherRuns:
    """Runs a net for the sessions of a process, from any thread: a tick that comes while the net runs waits until that is done,
    and all that wait then go into one run. Nobody waits for ticks that are yet to come."""

    def __init__(self) -> None:
        self._waiting = deque[Asked]()
        self._running = Lock()

    def run(self, run: Run, mel: Floats, opening: Floats, state: State) -> list[Floats]:
        """What the net says of a tick of one session, without the axis of sessions. Raises what the net raises.

        run: of the net, always the same; to hold it would be a circle, in which a net outlives its last session for a while.
        """
        asked = Asked(mel, opening, state)
        self._waiting.append(asked)
        with self._running:
            if not asked.said and asked.fault is None:  # else the one before took it along
                run_all(run, [self._waiting.popleft() for _ in range(len(self._waiting))])
        if asked.fault is not None:
            raise asked.fault
        return asked.said


def run_all(run: Run, asked: Sequence[Asked]) -> None:
    """Run the net once for ticks of several sessions."""
    openings = np.concatenate([each.opening for each in asked])
    state = {name: np.concatenate([each.state[name] for each in asked]) for name in asked[0].state}
    try:
        said = run(np.stack([each.mel for each in asked]), openings, state)
    except BaseException as error:  # noqa: BLE001 - it goes to those who wait
        for each in asked:
            each.fault = error
        return
    for k, each in enumerate(asked):
        each.state.update((name, values[k : k + 1]) for name, values in state.items())
        each.said = [values[k] for values in said]
