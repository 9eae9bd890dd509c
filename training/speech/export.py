"""The trained net as an ONNX graph of one tick, state in and state out, written node by node so that it stays readable."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bithuman_core.audio.mel import FFT, FRAMES_PER_TICK, HOP, WINDOW
from bithuman_core.speech.net import FORMAT
from bithuman_core.speech.visemes import VISEME_NAMES
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLE_RATE
from training.speech.model import (
    BANDS,
    CONTEXT,
    DECISION,
    FREQUENCY_MAX,
    FREQUENCY_MIN,
    HEADS,
    PARTED,
    SHAPE_SCALE,
    SpeechModel,
    Trunk,
)
from training.speech.phones import PHONES
from training.speech.rig import arkit_names

CONTACT_AT = 0.33  # probability; the point on the trade between missed and false closures, see the card
ARTICULATION = 1.3  # a regression moves less than what it learns from; this restores the spread of real lips (held-out GRID)
OPSET, IR_VERSION = 17, 8  # read by onnxruntime 1.20 and later
VERSION = "0.3.0"  # of the weights


class Graph:
    """Collects nodes and weights."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, value: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def half(self, name: str, value: NDArray[np.float32]) -> str:
        """A large weight kept in 16 bits; onnxruntime makes 32 of them when it loads the file."""
        stored = self.weight(f"{name}_16", value.astype(np.float16))
        return self.add("Cast", [stored], name, to=TensorProto.FLOAT)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


def gru_weights(gru: torch.nn.GRU) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """torch's gates (reset, update, new) in ONNX order (update, reset, new): W [1, 3h, i], R [1, 3h, h], B [1, 6h]."""

    def reorder(t: torch.Tensor) -> NDArray[np.float32]:
        reset, update, new = t.detach().numpy().reshape(3, gru.hidden_size, -1)
        return np.concatenate([update, reset, new])

    biases = [reorder(b)[:, 0] for b in (gru.bias_ih_l0, gru.bias_hh_l0)]
    return reorder(gru.weight_ih_l0)[None], reorder(gru.weight_hh_l0)[None], np.concatenate(biases)[None]


def add_trunk(g: Graph, trunk: Trunk, name: str, memory: str) -> tuple[list[str], str]:
    """One trunk over the value ``frames``; returns the values of its GRU layers [1, 1, width] and its new memory [2, width]."""
    g.add("Sub", ["frames", g.weight(f"{name}_mean", trunk.mean.numpy())], f"{name}_centred")
    g.add("Mul", [f"{name}_centred", g.weight(f"{name}_scale", trunk.scale.numpy())], f"{name}_scaled")
    g.add("Transpose", [f"{name}_scaled"], f"{name}_bands_first", perm=[1, 0])
    x = g.add("Unsqueeze", [f"{name}_bands_first", "first"], f"{name}_batched")
    for layer, conv in (("conv1", trunk.conv1), ("conv2", trunk.conv2), ("conv3", trunk.conv3)):
        assert conv.bias is not None
        w = g.half(f"{name}_{layer}_w", conv.weight.detach().numpy())
        b = g.weight(f"{name}_{layer}_b", conv.bias.detach().numpy())
        g.add("Conv", [x, w, b], f"{name}_{layer}", strides=[conv.stride[0]], kernel_shape=[conv.kernel_size[0]])
        x = g.add("Relu", [f"{name}_{layer}"], f"{name}_{layer}_relu")
    x = g.add("Transpose", [x], f"{name}_step", perm=[2, 0, 1])  # [1, 1, width]
    g.add("Unsqueeze", [memory, "second"], f"{name}_memory")  # [2, 1, width]
    before = [f"{name}_h1", f"{name}_h2"]
    g.nodes.append(helper.make_node("Split", [f"{name}_memory", "halves"], before, axis=0))
    heard, after = [], []
    for i, gru in enumerate((trunk.gru1, trunk.gru2)):
        w, r, b = gru_weights(gru)
        layer = f"{name}_gru{i + 1}"
        inputs = [x, g.half(f"{layer}_w", w), g.half(f"{layer}_r", r), g.weight(f"{layer}_b", b), "", before[i]]
        outputs = [f"{layer}_y", f"{layer}_h"]
        g.nodes.append(helper.make_node("GRU", inputs, outputs, hidden_size=trunk.width, linear_before_reset=1))
        x = g.add("Squeeze", [f"{layer}_y", "second"], layer)
        heard.append(x)
        after.append(f"{layer}_h")
    g.add("Concat", after, f"{name}_pair", axis=0)
    return heard, g.add("Squeeze", [f"{name}_pair", "second"], f"{name}_memory_out")


def export(model: SpeechModel, filters: NDArray[np.float32], path: Path, contact_at: float = CONTACT_AT) -> None:
    """Write ``path``; the lips count as touching from the contact probability ``contact_at`` on."""
    g = Graph()
    for name, value in (("first", [0]), ("second", [1]), ("halves", [1, 1])):
        g.weight(name, np.array(value))
    g.add("Concat", ["context", "mel"], "frames", axis=0)
    keep = [g.weight("keep_from", np.array([FRAMES_PER_TICK])), g.weight("keep_to", np.array([1 << 30]))]
    g.add("Slice", ["frames", *keep], "context_out")
    widths = [trunk.width for trunk in model.trunks]
    memories = [f"memory{i}" for i in range(len(widths))]
    g.nodes.append(helper.make_node("Split", ["memory", g.weight("widths", np.array(widths))], memories, axis=1))
    heard: list[str] = []
    after: list[str] = []
    for i, trunk in enumerate(model.trunks):
        said, memory_out = add_trunk(g, trunk, f"trunk{i}", memories[i])
        heard += said
        after.append(memory_out)
    g.add("Concat", after, "memory_out", axis=1)
    g.add("Concat", heard, "both", axis=2)
    g.add("Reshape", ["both", g.weight("row", np.array([1, 2 * sum(widths)]))], "features")

    head_w, head_b = (t.detach().numpy().copy() for t in model.mean_head())
    at = dict(zip(HEADS, np.cumsum([0, *HEADS.values()]), strict=False))
    head_b[at["contact"]] -= np.log(contact_at / (1 - contact_at))
    shape = slice(at["shape"], at["shape"] + HEADS["shape"])
    head_w[shape] *= SHAPE_SCALE
    head_b[shape] *= SHAPE_SCALE
    for name in ("contact", "rest"):
        head_w[at[name]] *= DECISION
        head_b[at[name]] *= DECISION
    for name in HEADS:
        rows = slice(at[name], at[name] + HEADS[name])
        w, b = g.weight(f"{name}_w", head_w[rows].T), g.weight(f"{name}_b", head_b[rows])
        g.add("Gemm", ["features", w, b], f"{name}_raw")
    g.add("Softmax", ["phone_raw"], "phone_row", axis=1)
    g.add("MatMul", ["phone_row", g.weight("poses", model.poses.numpy())], "pose")
    g.add("Add", ["shape_raw", "pose"], "shape_of_phone")
    g.add("Mul", ["opening", g.weight("articulation", np.array([ARTICULATION], np.float32))], "scale")
    g.add("Mul", ["shape_of_phone", "scale"], "articulated")
    g.add("Relu", ["articulated"], "shape")  # the leak is for the training alone
    jaw = np.zeros((1, HEADS["shape"]), np.float32)
    jaw[0, 0] = 1.0 / float(model.gap_of[0])
    g.add("MatMul", ["shape", g.weight("gap_of", model.gap_of.numpy()[:, None])], "gap")
    g.add("Sub", [g.weight("parted", np.array([[PARTED - model.rest_gap]], np.float32)), "gap"], "narrow")
    g.add("Relu", ["narrow"], "too_narrow")
    g.add("MatMul", ["too_narrow", g.weight("jaw", jaw)], "jaw_more")
    g.add("Add", ["shape", "jaw_more"], "open_shape")
    g.add("Sigmoid", ["contact_raw"], "touching")
    g.add("Neg", ["rest_raw"], "awake_raw")
    g.add("Sigmoid", ["awake_raw"], "awake")
    g.add("Sub", [g.weight("closed_pose", model.closed_pose.numpy()), "open_shape"], "way")
    g.add("Mul", ["touching", "way"], "step_to_closed")
    g.add("Add", ["open_shape", "step_to_closed"], "speaking_shape")
    g.add("Mul", ["awake", "speaking_shape"], "driven")
    names, columns = arkit_names()
    g.add("Gather", ["driven", g.weight("columns", columns.astype(np.int64))], "mouth_row", axis=1)
    limits = [g.weight("zero", np.array(0, np.float32)), g.weight("one", np.array(1, np.float32))]
    g.add("Clip", ["mouth_row", *limits], "mouth_clipped")
    g.add("Squeeze", ["mouth_clipped", "first"], "mouth")
    g.add("Softmax", ["viseme_raw"], "viseme_row", axis=1)
    g.add("Squeeze", ["viseme_row", "first"], "visemes")
    g.add("Squeeze", ["phone_row", "first"], "phones")
    g.add("Sigmoid", ["voice_raw"], "voice_row")
    g.add("Squeeze", ["voice_row", "first"], "voice")

    def tensor(name: str, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    inputs = [tensor("mel", FRAMES_PER_TICK, BANDS), tensor("context", CONTEXT, BANDS), tensor("memory", 2, sum(widths)),
              tensor("opening", 1)]
    outputs = [tensor("mouth", len(names)), tensor("visemes", len(VISEME_NAMES)), tensor("voice", 1),
               tensor("phones", len(PHONES)), tensor("context_out", CONTEXT, BANDS), tensor("memory_out", 2, sum(widths))]
    graph = helper.make_graph(g.nodes, "speech", inputs, outputs, g.weights)
    opset = [helper.make_opsetid("", OPSET)]
    proto = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="bithuman-core")
    mel = {"sample_rate": SAMPLE_RATE, "hop": HOP, "window": WINDOW, "fft": FFT, "bands": BANDS,
           "fmin": FREQUENCY_MIN, "fmax": FREQUENCY_MAX}  # fmt: skip
    helper.set_model_props(proto, {
        "format": FORMAT, "version": VERSION, "lookahead_ticks": str(LOOKAHEAD_TICKS), "mouth_names": json.dumps(names),
        "viseme_names": json.dumps(VISEME_NAMES), "phone_names": json.dumps(PHONES), "mel": json.dumps(mel),
        "mel_filters": base64.b64encode(zlib.compress(filters.astype("<f4").tobytes(), 9)).decode(),
        "licence": "Apache-2.0", "card": "models/speech.md"})  # fmt: skip
    onnx.checker.check_model(proto, full_check=True)
    temporary = path.with_suffix(".part")
    temporary.write_bytes(proto.SerializeToString())
    temporary.rename(path)
