"""The training loop: seeded, resumable, one core."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bithuman_core.audio.mel import FFT
from bithuman_core.speech.visemes import VISEME_GROUPS, VISEME_NAMES
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLE_RATE
from training.speech.clip import Clip
from training.speech.dataset import LATE_SHARE, SHARE, Examples
from training.speech.model import BANDS, FREQUENCY_MAX, FREQUENCY_MIN, SpeechModel
from training.speech.poses import pose_table
from training.speech.restore import restore
from training.speech.rig import DRIVEN_INDEX, LipModel

log = logging.getLogger(__name__)
BATCH = 32
LEARNING_RATE = 1.8e-3
WARM_UP, DECAY = 200, 0.3  # steps in which the rate rises; last share of all steps in which it falls to 0
SETTLING, SETTLING_RATE = 900, 0.5  # steps after all others in which memories are carried on, and their first rate, of the usual
LEAST_SPREAD = 0.01  # interocular distances: an example whose gap moves less tells nothing about articulation
CARRIED = 0.6  # share of the examples that then begin with what the net remembers of others: a stream has no beginning
AVERAGE = 0.995  # of a step: the weights that are kept are a running mean of the trained ones
MASKED_BANDS, MASKED_FRAMES = 7, 4  # what is hidden from the net at most (SpecAugment, Park et al. 2019), twice an example
GAP_SCALE = 0.03  # interocular units: the gap's error is counted in these
CONTACT_BOOST = 1.6  # a missed closure is worse than a false one
AT_TEETH, FREE = 0.34, 0.2  # mouthRollLower: in f, v lip and teeth meet, in other sounds (p: .16) they do not
CLOSED, OPEN = 0.008, 0.027  # contact must read below, other speech above (the eye reads .02 as the border)


GROUPS = [list(group) for group in VISEME_GROUPS]
GROUP_OF = torch.tensor([next(g for g, group in enumerate(GROUPS) if v in group) for v in range(len(VISEME_NAMES))])


def filters() -> NDArray[np.float32]:
    """librosa's mel filter bank, triangles of height 1, float32 [bands, 257]."""
    bank = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT, n_mels=BANDS, fmin=FREQUENCY_MIN, fmax=FREQUENCY_MAX, norm=None)
    return bank.astype(np.float32)


def masked(mel: Tensor, mean: Tensor) -> Tensor:
    """``mel`` [batch, frames, bands] with random bands of each example, and random short times, at their mean."""
    count, frames, bands = mel.shape
    hidden = torch.zeros(mel.shape, dtype=torch.bool)
    for size, most, axis in ((bands, MASKED_BANDS, 2), (frames, MASKED_FRAMES, 1)):
        for _ in range(2):
            width = torch.randint(0, most + 1, (count, 1))
            first = (torch.rand(count, 1) * (size - width)).long()
            at = torch.arange(size)
            line = (at >= first) & (at < first + width)
            hidden |= line[:, None, :] if axis == 2 else line[:, :, None]
    return torch.where(hidden, mean, mel)


class Loss:
    """The errors of a batch, each in units where 1 is large."""

    def __init__(self, lips: LipModel) -> None:
        self._gap_of, self._rest_gap = torch.from_numpy(lips.gap_of), lips.rest_gap
        self._left: list[Tensor] = []  # of each trunk [2, batch, width]

    def _begin(self, count: int) -> list[Tensor | None]:
        kept = (torch.rand(count) < CARRIED).float()[None, :, None]
        return [memory * kept for memory in self._left] or [None, None]

    def __call__(self, model: SpeechModel, batch: list[Tensor], carry: bool) -> tuple[Tensor, dict[str, float]]:
        """The loss and its parts; ``carry``: some of the examples begin with the memory that the last batch left."""
        mel, mouth, contact, rest, voice, phone, viseme, trust, gap_trust = batch
        late = LOOKAHEAD_TICKS
        with torch.autocast("cpu", torch.bfloat16):
            first = self._begin(len(mel)) if carry else (None, None)
            raw, left = model([masked(mel, trunk.mean) for trunk in model.trunks], first)
        self._left = [memory.detach().float() for memory in left]
        heads = {k: torch.cat([r[k][:, late:].float() for r in raw]) for k in raw[0]}  # every trunk learns all of it
        known = mouth.shape[1] - late
        mouth, contact, rest, voice, phone, viseme = (t[:, :known] for t in (mouth, contact, rest, voice, phone, viseme))
        mouth, contact, rest, voice, phone, viseme, trust, gap_trust = (
            torch.cat([t] * len(raw)) for t in (mouth, contact, rest, voice, phone, viseme, trust, gap_trust)
        )
        trust, gap_trust = (t[:, None].expand_as(contact) for t in (trust, gap_trust))
        said = model.mouth(heads)
        gap, true_gap = self._rest_gap + said @ self._gap_of, self._rest_gap + mouth @ self._gap_of
        near = F.max_pool1d(contact[:, None], 3, 1, 1)[:, 0]
        speaking = (rest < 0.5).float()
        labiodental = (viseme == VISEME_NAMES.index("FF")).float()
        near_teeth = F.max_pool1d(labiodental[:, None], 3, 1, 1)[:, 0]
        roll = said[..., DRIVEN_INDEX["mouthRollLower"]]

        def mean(x: Tensor, weight: Tensor = trust) -> Tensor:
            return (x * weight).sum() / (weight.sum() + 1e-6)

        def binary(head: str, truth: Tensor, boost: float = 1.0) -> Tensor:
            weight = trust * (1 + (boost - 1) * truth)
            return mean(F.binary_cross_entropy_with_logits(heads[head][..., 0], truth, reduction="none"), weight)

        def classes(head: str, truth: Tensor) -> Tensor:
            return mean(F.cross_entropy(heads[head].transpose(1, 2), truth, reduction="none", label_smoothing=0.03))

        moves = (spread_of(true_gap) > LEAST_SPREAD) * gap_trust[:, 0]
        grouped = torch.stack([heads["viseme"][..., g].logsumexp(-1) for g in GROUPS], -1)
        parts = {
            "shape": 25.0 * mean((said - mouth).square().mean(-1)),
            "gap": mean(((gap - true_gap) / GAP_SCALE).square(), gap_trust),
            "spread": 0.5 * mean((spread_of(gap) / spread_of(true_gap)).log().square(), moves),
            "closed": 0.5 * mean((F.relu(gap - CLOSED) / 0.02).clamp(max=3), trust * contact)
            + 0.5 * mean((F.relu(OPEN - gap) / 0.02).clamp(max=3), trust * speaking * (1 - near)),
            "teeth": 0.5 * mean((F.relu(AT_TEETH - roll) / 0.2).clamp(max=3), trust * labiodental)
            + 0.5 * mean((F.relu(roll - FREE) / 0.2).clamp(max=3), trust * speaking * (1 - near_teeth)),
            "contact": 1.5 * binary("contact", contact, CONTACT_BOOST),
            "rest": 0.7 * binary("rest", rest),
            "voice": 0.3 * binary("voice", voice),
            "viseme": 0.5 * classes("viseme", viseme),
            "group": 0.6 * mean(F.cross_entropy(grouped.transpose(1, 2), GROUP_OF[viseme], reduction="none")),
            "phone": 0.3 * classes("phone", phone),
        }
        return torch.stack(list(parts.values())).sum(), {k: float(v.detach()) for k, v in parts.items()}


def spread_of(gap: Tensor) -> Tensor:
    """Standard deviation of the gap over each example, [batch]: a squared error alone teaches to move less than people do."""
    return gap.std(1) + 1e-3


def learning_rate(step: int, steps: int, settling: int) -> float:
    """Up, a plateau, down (so that a run may be made longer or shorter while it is on the plateau), and down again, settling."""
    begin = min(1.0, (step + 1) / WARM_UP)
    if step >= steps:
        return LEARNING_RATE * SETTLING_RATE * begin * (1 - (step - steps) / settling)
    return LEARNING_RATE * min(begin, (steps - step) / (DECAY * steps))


def train(
    clips: list[Clip], lips: LipModel, out: Path, steps: int, settling: int, seed: int, workers: int, start: Path | None = None
) -> SpeechModel:
    """Train for ``steps`` batches and ``settling`` more, saving ``out`` every 100; an ``out`` that is there is continued.

    ``start``: an exported net whose weights a new training begins with.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    poses = pose_table(lips)
    model = SpeechModel(poses.mean(axis=1), lips)
    mean_of = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE), use_buffers=True)
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=0.01)
    step = 0
    if out.exists():
        saved = torch.load(out, weights_only=True)
        model.load_state_dict(saved["model"])
        mean_of.load_state_dict(saved["mean"])
        optimiser.load_state_dict(saved["optimiser"])
        step = saved["step"]
        log.info("continuing at step %d of %d", step, steps + settling)

    def examples() -> Iterator[list[Tensor]]:
        made = Examples(clips, lips, poses, filters(), seed + step, SHARE if step < steps else LATE_SHARE)
        return iter(torch.utils.data.DataLoader(made, BATCH, num_workers=workers, prefetch_factor=4 if workers else None))

    batches = examples()
    if step == 0:
        first = torch.cat([next(batches)[0] for _ in range(4)]).flatten(0, 1)
        for trunk in model.trunks:
            trunk.mean.copy_(first.mean(0))
            trunk.scale.copy_(1 / (first.std(0) + 0.1))
        if start is not None:
            restore(model, start)
    loss_of = Loss(lips)
    model.train()
    started, running = time.monotonic(), {}
    while step < steps + settling:
        loss, parts = loss_of(model, next(batches), carry=step >= steps)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, settling)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        mean_of.update_parameters(model)
        step += 1
        for k, v in parts.items():
            running[k] = 0.95 * running.get(k, v) + 0.05 * v
        if step % 20 == 0:
            losses = "  ".join(f"{k} {v:.3f}" for k, v in running.items())
            log.info("step %5d  %4.0f s  %s", step, time.monotonic() - started, losses)
        if step == steps:
            batches = examples()
        if step % 100 == 0 or step == steps + settling:
            temporary = out.with_suffix(".part")
            torch.save({"model": model.state_dict(), "mean": mean_of.state_dict(), "optimiser": optimiser.state_dict(),
                        "step": step}, temporary)  # fmt: skip
            temporary.rename(out)
    return mean_of.module.eval()
