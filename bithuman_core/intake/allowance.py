"""How much time and memory the reading of one foreign file may take."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Allowance:
    """work: CPU seconds. wait: seconds by the clock, for the machine may be busy with those who are live. memory: bytes that the
    process may map on top of what an idle one has mapped (Linux; elsewhere memory is not limited)."""

    work: float
    wait: float
    memory: int


SOUND = Allowance(work=8, wait=30, memory=384 * MIB)
TAKE = Allowance(work=8, wait=30, memory=384 * MIB)  # three minutes at 60 frames a second take 0.5 s and 45 MiB
AVATAR = Allowance(work=6, wait=30, memory=384 * MIB)
BACKGROUND = Allowance(work=8, wait=30, memory=512 * MIB)  # 40 megapixels with alpha, turned upright
CLIP = Allowance(work=240, wait=900, memory=1536 * MIB)  # 20 s of film are followed, calmed and cut out: some 100 s
PHOTO = Allowance(work=60, wait=240, memory=1024 * MIB)  # an avatar is built; 32 megapixels with alpha: 608 MiB in all
