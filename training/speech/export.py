"""The trained net as an ONNX graph of one tick of N sessions, state in and state out, written node by node, to stay readable."""

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
from bithuman_core.speech.net import FORMAT, MEMORY
from bithuman_core.speech.visemes import VISEME_NAMES
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLE_RATE
from training.speech.model import (
    BANDS,
    DECISION,
    FREQUENCY_MAX,
    FREQUENCY_MIN,
    HEADS,
    KERNEL,
    PARTED,
    SHAPE_SCALE,
    SpeechModel,
    Trunk,
)
from training.speech.phones import PHONES
from training.speech.rig import DRIVEN, arkit_names

CONTACT_AT = 0.185  # probability; the point on the trade between missed and false closures, see the card
WIDENERS = frozenset({"mouthFunnel", "mouthPucker", "mouthSmile", "mouthStretch"})
ARTICULATION = {name: 1.7 if name in WIDENERS else 1.13 for name in DRIVEN}
"""A regression moves less than what it learns from; this restores the spread of real lips: see the faces in the card."""
WEIGHT_STEPS = 63  # of a weight in 8 bits on either side of 0
MIDDLE, MEMORY_STEPS = 128, 127  # of a memory in 8 bits: which value is 0, and how many there are on either side
LEAST = 1e-6  # of the largest number of a row
ROWS = "sessions"  # the name of the first axis
OPSET, IR_VERSION = 17, 8  # read by onnxruntime 1.20 and later
VERSION = "0.6.0"  # of the weights


class Graph:
    """Collects nodes and weights."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.made = set[str]()

    def weight(self, name: str, value: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        self.made.add(name)
        return name

    def once(self, name: str, value: NDArray[np.generic]) -> str:
        """A number that several nodes share."""
        return name if name in self.made else self.weight(name, value)

    def half(self, name: str, value: NDArray[np.float32]) -> str:
        """A large weight kept in 16 bits; onnxruntime makes 32 of them when it loads the file."""
        stored = self.weight(f"{name}_16", value.astype(np.float16))
        return self.add("Cast", [stored], name, to=TensorProto.FLOAT)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        self.made.add(output)
        return output


def in_8_bits(g: Graph, x: str, signed: bool) -> tuple[str, str | None]:
    """``x`` [N, i] in 8 bits about the value ``MIDDLE`` (not below 0: from 0 on), and the scale of each row.

    Each row has its own: a session hears nothing of those that are run beside it. What a GRU remembers lies between -1 and 1 and
    has one scale, None, for all.
    """
    if signed:
        if f"{x}_8" not in g.made:
            zero = g.once("middle", np.array(MIDDLE, np.uint8))
            g.add("QuantizeLinear", [x, g.once("memory_step", np.array(1 / MEMORY_STEPS, np.float32)), zero], f"{x}_8")
        return f"{x}_8", None
    if f"{x}_8" not in g.made:
        g.add("ReduceMax", [x], f"{x}_most", axes=[1], keepdims=1)
        g.add("Max", [f"{x}_most", g.once("least", np.array(LEAST, np.float32))], f"{x}_range")
        g.add("Mul", [f"{x}_range", g.once("a_255th", np.array(1 / 255, np.float32))], f"{x}_scale")
        g.add("Div", [x, f"{x}_scale"], f"{x}_steps")
        one, none = g.once("a_step", np.array(1, np.float32)), g.once("none", np.array(0, np.uint8))
        g.add("QuantizeLinear", [f"{x}_steps", one, none], f"{x}_8")
    return f"{x}_8", f"{x}_scale"


def product(g: Graph, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32], name: str, signed: bool = True) -> str:
    """``x`` [N, i] times ``weight`` [o, i] plus ``bias`` [o] with both factors in 8 bits: a quarter of the bytes to read a tick.

    A weight has one scale an output and 7 bits: with 8, processors without VNNI overflow in sums of two products. signed: x is a
    memory, from -1 to 1; else it is not below 0.
    """
    scale = np.abs(weight).max(axis=1) / WEIGHT_STEPS
    rounded = np.round(weight / scale[:, None]).astype(np.int8)
    x8, row_scale = in_8_bits(g, x, signed)
    zero = "middle" if signed else "none"
    whole = g.add("MatMulInteger", [x8, g.weight(f"{name}_w", rounded.T), zero], f"{name}_whole")
    if row_scale is None:
        step = g.weight(f"{name}_step", (scale / MEMORY_STEPS).astype(np.float32))
    else:
        step = g.add("Mul", [row_scale, g.weight(f"{name}_scale", scale.astype(np.float32))], f"{name}_step")
    g.add("Mul", [g.add("Cast", [whole], f"{name}_float", to=TensorProto.FLOAT), step], f"{name}_product")
    return g.add("Add", [f"{name}_product", g.weight(f"{name}_b", bias)], name)


def add_gru(g: Graph, gru: torch.nn.GRU, x: str, before: str, name: str, signed: bool) -> str:
    """One step of a GRU layer (as torch has it): input ``x`` and state ``before`` to the new state, all [N, h]."""
    parameters = (gru.weight_ih_l0, gru.bias_ih_l0, gru.weight_hh_l0, gru.bias_hh_l0)
    w, b, r, c = (t.detach().numpy() for t in parameters)
    gates: list[list[str]] = []
    for side, value in (("in", product(g, x, w, b, f"{name}_in", signed)), ("past", product(g, before, r, c, f"{name}_past"))):
        parts = [f"{name}_{gate}_{side}" for gate in ("reset", "update", "new")]
        thirds = g.weight(f"{name}_thirds_{side}", np.array([gru.hidden_size] * 3))
        g.nodes.append(helper.make_node("Split", [value, thirds], parts, axis=1))
        gates.append(parts)
    for k, gate in enumerate(("reset", "update")):
        g.add("Sigmoid", [g.add("Add", [gates[0][k], gates[1][k]], f"{name}_{gate}_sum")], f"{name}_{gate}")
    g.add("Mul", [f"{name}_reset", gates[1][2]], f"{name}_kept")
    g.add("Tanh", [g.add("Add", [gates[0][2], f"{name}_kept"], f"{name}_new_sum")], f"{name}_new")
    way = g.add("Sub", [before, f"{name}_new"], f"{name}_way")
    return g.add("Add", [f"{name}_new", g.add("Mul", [f"{name}_update", way], f"{name}_part")], name)


def add_trunk(g: Graph, trunk: Trunk, name: str) -> tuple[list[str], dict[str, tuple[int, ...]]]:
    """One trunk over the value ``frames`` [N, bands, 4 + 4]; returns what its GRU layers heard, [N, width] each, and its state:
    what it knows of the ticks before, a session's shape by name. Convolutions keep the last of what they were given and make
    nothing twice.
    """
    scale, mean = trunk.scale.numpy(), trunk.mean.numpy()
    x, state = "frames", dict[str, tuple[int, ...]]()
    fresh = FRAMES_PER_TICK  # values a tick
    for layer, conv in (("conv1", trunk.conv1), ("conv2", trunk.conv2), ("conv3", trunk.conv3)):
        assert conv.bias is not None
        weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
        if layer == "conv1":  # the features' mean and scale, folded in
            weight = weight * scale[:, None]
            bias = bias - np.tensordot(weight, mean, ((1,), (0,))).sum(axis=1)
        else:
            kept, past = conv.kernel_size[0] - conv.stride[0], f"{name}_{layer}_past"
            state[past] = (conv.in_channels, kept)
            x = g.add("Concat", [past, x], f"{name}_{layer}_line", axis=2)
            parts = [f"{name}_{layer}_old", f"{past}_out"]
            g.nodes.append(helper.make_node("Split", [x, g.weight(f"{past}_cut", np.array([fresh, kept]))], parts, axis=2))
            fresh //= conv.stride[0]
        if layer == "conv3":  # gives one value a tick, so it is a product
            row = g.add("Reshape", [x, "row"], f"{name}_{layer}_row")
            product(g, row, weight.reshape(len(weight), -1), bias, f"{name}_{layer}", signed=False)
        else:
            w, b = g.half(f"{name}_{layer}_w", weight), g.weight(f"{name}_{layer}_b", bias)
            g.add("Conv", [x, w, b], f"{name}_{layer}", strides=[conv.stride[0]], kernel_shape=[conv.kernel_size[0]])
        x = g.add("Relu", [f"{name}_{layer}"], f"{name}_{layer}_relu")
    heard = []
    for i, gru in enumerate((trunk.gru1, trunk.gru2)):
        before = f"{MEMORY}_{name}_{i + 1}"
        state[before] = (trunk.width,)
        x = add_gru(g, gru, x, before, f"{before}_out", signed=i > 0)  # the first hears what a rectifier lets through
        heard.append(x)
    return heard, state


def export(model: SpeechModel, filters: NDArray[np.float32], path: Path, contact_at: float = CONTACT_AT) -> None:
    """Write ``path``; the lips count as touching from the contact probability ``contact_at`` on."""
    g = Graph()
    g.weight("row", np.array([0, -1]))
    past = KERNEL - 1  # frames that the first convolution needs of the tick before; it strides by 1
    state: dict[str, tuple[int, ...]] = {"frames_past": (past, BANDS)}
    g.add("Concat", ["frames_past", "mel"], "frames_line", axis=1)
    cut = g.weight("frames_cut", np.array([FRAMES_PER_TICK, past]))
    g.nodes.append(helper.make_node("Split", ["frames_line", cut], ["frames_old", "frames_past_out"], axis=1))
    g.add("Transpose", ["frames_line"], "frames", perm=[0, 2, 1])
    heard: list[str] = []
    for i, trunk in enumerate(model.trunks):
        said, known = add_trunk(g, trunk, f"trunk{i}")
        heard += said
        state |= known
    g.add("Concat", heard, "features", axis=1)

    head_w, head_b = (t.detach().numpy().copy() for t in model.mean_head())
    at = dict(zip(HEADS, np.cumsum([0, *HEADS.values()]), strict=False))
    head_b[at["contact"]] -= np.log(contact_at / (1 - contact_at))
    shape = slice(at["shape"], at["shape"] + HEADS["shape"])
    head_w[shape] *= SHAPE_SCALE
    head_b[shape] *= SHAPE_SCALE
    for name in ("contact", "rest"):
        head_w[at[name]] *= DECISION
        head_b[at[name]] *= DECISION
    raw = g.add("Gemm", ["features", g.weight("heads_w", head_w.T), g.weight("heads_b", head_b)], "heads")
    rows = g.weight("heads_rows", np.array(list(HEADS.values())))
    g.nodes.append(helper.make_node("Split", [raw, rows], [f"{name}_raw" for name in HEADS], axis=1))
    g.add("Softmax", ["phone_raw"], "phones", axis=1)
    g.add("MatMul", ["phones", g.weight("poses", model.poses.numpy())], "pose")
    g.add("Add", ["shape_raw", "pose"], "shape_of_phone")
    articulation = np.array([ARTICULATION[name] for name in DRIVEN], np.float32)
    g.add("Mul", ["opening", g.weight("articulation", articulation)], "scale")
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
    g.add("Clip", ["mouth_row", *limits], "mouth")
    g.add("Softmax", ["viseme_raw"], "visemes", axis=1)
    g.add("Sigmoid", ["voice_raw"], "voice")

    def tensor(name: str, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, (ROWS, *shape))

    inputs = [tensor("mel", FRAMES_PER_TICK, BANDS), tensor("opening", 1), *(tensor(n, *size) for n, size in state.items())]
    outputs = [tensor("mouth", len(names)), tensor("visemes", len(VISEME_NAMES)), tensor("voice", 1),
               tensor("phones", len(PHONES)), *(tensor(f"{n}_out", *size) for n, size in state.items())]  # fmt: skip
    graph = helper.make_graph(g.nodes, "speech", inputs, outputs, g.weights)
    opset = [helper.make_opsetid("", OPSET)]
    proto = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="bithuman-core")
    mel = {"sample_rate": SAMPLE_RATE, "hop": HOP, "window": WINDOW, "fft": FFT, "bands": BANDS,
           "fmin": FREQUENCY_MIN, "fmax": FREQUENCY_MAX}  # fmt: skip
    helper.set_model_props(proto, {
        "format": FORMAT, "version": VERSION, "lookahead_ticks": str(LOOKAHEAD_TICKS), "mouth_names": json.dumps(names),
        "viseme_names": json.dumps(VISEME_NAMES), "phone_names": json.dumps(PHONES), "mel": json.dumps(mel),
        "mel_filters": base64.b64encode(zlib.compress(filters.astype("<f4").tobytes(), 9)).decode(),
        "contact_at": str(contact_at), "licence": "Apache-2.0", "card": "models/speech.md"})  # fmt: skip
    onnx.checker.check_model(proto, full_check=True)
    temporary = path.with_suffix(".part")
    temporary.write_bytes(proto.SerializeToString())
    temporary.rename(path)
