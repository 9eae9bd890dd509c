"""The net: convolutions over 10 ms frames down to one vector a tick, two GRU layers, a few linear heads; all that twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from bithuman_core.audio.mel import FEATURE_LOW, LEVEL_FLOOR, POWER_FLOOR
from bithuman_core.speech.visemes import VISEME_NAMES
from training.speech.phones import PHONE_INDEX, PHONES
from training.speech.rig import DRIVEN, LipModel

BANDS = 48
FREQUENCY_MIN, FREQUENCY_MAX = 60.0, 7800.0  # Hz
TRUNKS = ((112, 144, 256), (96, 128, 192))  # channels of their convolutions; the last is also the width of their GRUs
KERNEL = 5
CONTEXT = 13  # past frames that the convolutions of one tick need: 4 new + 13 = 17
SILENT_FEATURE = max((10 * np.log10(POWER_FLOOR) - LEVEL_FLOOR) / 20.0, FEATURE_LOW)  # what the mel of zeros is

DROPOUT = 0.2
SHAPE_SCALE = 0.3  # of the head beside the poses: coefficients are small, and steps of the optimiser are not
LEAK = 0.05  # slope of the coefficients below 0: a plain ReLU that reads 0 everywhere never comes back
DECISION = 3.0  # contact and rest are steeper than their probabilities: lips touch or they do not

PARTED = 0.026  # interocular distances: lips that speak and do not touch stand at least so far apart
HEADS: dict[str, int] = {
    "shape": len(DRIVEN), "contact": 1, "rest": 1, "voice": 1, "viseme": len(VISEME_NAMES), "phone": len(PHONES)
}  # fmt: skip


class Trunk(nn.Module):
    """Log-mel [batch, 4 * ticks, BANDS] to what was heard, [batch, ticks, 2 * width]; ``width`` is the last of ``channels``."""

    def __init__(self, channels: tuple[int, int, int]) -> None:
        super().__init__()
        a, b, self.width = channels
        self.register_buffer("mean", torch.zeros(BANDS))
        self.register_buffer("scale", torch.ones(BANDS))
        self.conv1 = nn.Conv1d(BANDS, a, KERNEL)
        self.conv2 = nn.Conv1d(a, b, KERNEL, stride=2)
        self.conv3 = nn.Conv1d(b, self.width, KERNEL, stride=2)
        self.gru1 = nn.GRU(self.width, self.width, batch_first=True)
        self.gru2 = nn.GRU(self.width, self.width, batch_first=True)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, mel: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``memory`` [2, batch, width]: of the GRUs at first (None: zeros); the second result is what it is in the end."""
        past = mel.new_full((mel.shape[0], CONTEXT, BANDS), float(SILENT_FEATURE))
        x = (torch.cat([past, mel], 1) - self.mean) * self.scale
        x = torch.relu(self.conv1(x.transpose(1, 2)))
        x = torch.relu(self.conv2(x))
        x = torch.relu(self.conv3(x)).transpose(1, 2)
        first, second = (None, None) if memory is None else (memory[:1], memory[1:])
        y, first = self.gru1(self.drop(x), first)
        z, second = self.gru2(self.drop(y), second)
        return self.drop(torch.cat([y, z], -1)), torch.cat([first, second])


class SpeechModel(nn.Module):
    """Log-mel [batch, frames, BANDS] to the heads [batch, ticks, HEADS]; frames = 4 * ticks.

    Two trunks of different size listen side by side, each with heads of its own; what they hear is the mean of both. They are
    trained side by side, too, each on its own view of the sound: their errors differ, and a mean of two nets is worth more than
    one of twice the size. The mouth is composed: an open shape, the closed pose where lips touch (contact), nothing where nobody
    speaks (rest). That makes closures and silence exact events and not averages. The open shape is the pose of the phone that is
    heard (a mean where that is in doubt) plus what the context changes. ``poses``: of every phone, float32 [phones, 13].
    """

    def __init__(self, poses: NDArray[np.float32], lips: LipModel) -> None:
        super().__init__()
        self.rest_gap = lips.rest_gap
        self.register_buffer("gap_of", torch.from_numpy(lips.gap_of), persistent=False)
        self.register_buffer("closed_pose", torch.from_numpy(poses[PHONE_INDEX["m"]].copy()))
        self.register_buffer("poses", torch.from_numpy(poses.copy()))
        self.trunks = nn.ModuleList(Trunk(channels) for channels in TRUNKS)
        self.heads = nn.ModuleList(nn.Linear(2 * channels[-1], sum(HEADS.values())) for channels in TRUNKS)
        for head in self.heads:
            nn.init.zeros_(head.weight[: HEADS["shape"]])  # begin with the poses
            nn.init.zeros_(head.bias[: HEADS["shape"]])

    def forward(
        self, mels: Sequence[Tensor], memories: Sequence[Tensor | None] = (None, None)
    ) -> tuple[list[dict[str, Tensor]], list[Tensor]]:
        """Raw heads by name of every trunk, each given its own mel and memory, and the memories in the end.

        Output tick t belongs to the face of tick t - 2.
        """
        heard = [trunk(mel, memory) for trunk, mel, memory in zip(self.trunks, mels, memories, strict=True)]
        raw = [head(h) for head, (h, _) in zip(self.heads, heard, strict=True)]
        return [dict(zip(HEADS, r.split(list(HEADS.values()), -1), strict=True)) for r in raw], [m for _, m in heard]

    def mean_head(self) -> tuple[Tensor, Tensor]:
        """Weight [heads, 2 * sum of widths] and bias [heads] of one layer over both trunks that gives the mean of their heads."""
        share = 1 / len(self.heads)
        return torch.cat([h.weight for h in self.heads], 1) * share, sum((h.bias for h in self.heads), torch.zeros(())) * share

    def mouth(self, heads: dict[str, Tensor]) -> Tensor:
        """Coefficients [..., 13] composed of shape, contact and rest."""
        contact, awake = torch.sigmoid(DECISION * heads["contact"]), torch.sigmoid(-DECISION * heads["rest"])
        shape = F.leaky_relu(SHAPE_SCALE * heads["shape"] + heads["phone"].softmax(-1) @ self.poses, LEAK)
        # The jaw, coefficient 0, opens what the shape leaves too narrow.
        too_narrow = torch.relu(PARTED - self.rest_gap - shape @ self.gap_of) / self.gap_of[0]
        parted = torch.cat([shape[..., :1] + too_narrow[..., None], shape[..., 1:]], -1)
        return awake * ((1 - contact) * parted + contact * self.closed_pose)
