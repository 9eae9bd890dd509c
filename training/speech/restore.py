"""The net as it is trained, back from its exported file: a start for a fine-tuning, or for another export of the same weights."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from training.speech.export import MEMORY_STEPS
from training.speech.model import DECISION, HEADS, SHAPE_SCALE, SpeechModel

CONTACT_AT_0_4 = 0.25  # of files up to 0.4.0, which do not tell it


def restore(model: SpeechModel, path: Path) -> None:
    """Give ``model`` the weights of ``path``.

    The features' mean and scale, which the file holds folded into the first convolution, stay those of ``model``; its trunks get
    the same head, the mean of both. Raises KeyError for a file of another net.
    """
    file = onnx.load(path)
    stored = {w.name: numpy_helper.to_array(w) for w in file.graph.initializer}
    contact_at = float(next((p.value for p in file.metadata_props if p.key == "contact_at"), CONTACT_AT_0_4))
    heads_w, heads_b = stored["heads_w"].T.copy(), stored["heads_b"].copy()
    at = dict(zip(HEADS, np.cumsum([0, *HEADS.values()]), strict=False))
    for rows, factor in (
        (slice(at["shape"], at["shape"] + HEADS["shape"]), SHAPE_SCALE),
        (at["contact"], DECISION),
        (at["rest"], DECISION),
    ):
        heads_w[rows] /= factor
        heads_b[rows] /= factor
    heads_b[at["contact"]] += np.log(contact_at / (1 - contact_at))

    def put(parameter: torch.Tensor, value: NDArray[np.generic]) -> None:
        parameter.detach().copy_(torch.from_numpy(np.array(value, np.float32)).reshape(parameter.shape))

    first = 0
    for i, (trunk, head) in enumerate(zip(model.trunks, model.heads, strict=True)):
        scale, mean = trunk.scale.numpy(), trunk.mean.numpy()
        weight = stored[f"trunk{i}_conv1_w_16"].astype(np.float32)
        put(trunk.conv1.weight, weight / scale[:, None])
        put(trunk.conv1.bias, stored[f"trunk{i}_conv1_b"] + np.tensordot(weight, mean, ((1,), (0,))).sum(axis=1))
        put(trunk.conv2.weight, stored[f"trunk{i}_conv2_w_16"])
        put(trunk.conv2.bias, stored[f"trunk{i}_conv2_b"])
        put(trunk.conv3.weight, whole(stored, f"trunk{i}_conv3"))
        put(trunk.conv3.bias, stored[f"trunk{i}_conv3_b"])
        for k, gru in ((1, trunk.gru1), (2, trunk.gru2)):
            for side, letters in (("in", "ih"), ("past", "hh")):
                name = f"memory_trunk{i}_{k}_out_{side}"
                put(getattr(gru, f"weight_{letters}_l0"), whole(stored, name))
                put(getattr(gru, f"bias_{letters}_l0"), stored[f"{name}_b"])
        share = slice(first, first + 2 * trunk.width)
        put(head.weight, heads_w[:, share] * len(model.heads))
        put(head.bias, heads_b)
        first = share.stop


def mix(model: SpeechModel, path: Path, share: float) -> None:
    """Move the weights of ``model`` by ``share`` of the way to those of ``path``, with which its training began.

    A net half-way between before and after a fine-tuning has most of what is new and forgets less of what is old (Wortsman et al.
    2022).
    """
    before = deepcopy(model)
    restore(before, path)
    old = before.state_dict()
    model.load_state_dict({name: torch.lerp(value, old[name], share) for name, value in model.state_dict().items()})


def whole(stored: dict[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """A weight [outputs, inputs] that is kept in 8 bits."""
    scale = stored[f"{name}_step"] * np.float32(MEMORY_STEPS) if f"{name}_step" in stored else stored[f"{name}_scale"]
    return (stored[f"{name}_w"].astype(np.float32) * scale).T
