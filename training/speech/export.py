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
    CHANNELS,
    CONTEXT,
    DECISION,
    FREQUENCY_MAX,
    FREQUENCY_MIN,
    HEADS,
    LEAK,
    PARTED,
    SHAPE_SCALE,
    SpeechModel,
)
from training.speech.rig import arkit_names

CONTACT_AT = 0.35  # probability; the point on the trade between missed and false closures, see the card
ARTICULATION = 1.2  # a regression moves less than what it learns from; this restores the spread of real lips (held-out GRID)
OPSET, IR_VERSION = 17, 8  # read by onnxruntime 1.20 and later
VERSION = "0.2.0"  # of the weights


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


def export(model: SpeechModel, filters: NDArray[np.float32], path: Path, contact_at: float = CONTACT_AT) -> None:
    """Write ``path``; the lips count as touching from the contact probability ``contact_at`` on."""
    g = Graph()
    hidden = CHANNELS[-1]
    g.add("Concat", ["context", "mel"], "frames", axis=0)
    keep = [g.weight("keep_from", np.array([FRAMES_PER_TICK])), g.weight("keep_to", np.array([1 << 30]))]
    g.add("Slice", ["frames", *keep], "context_out")
    g.add("Sub", ["frames", g.weight("mel_mean", model.mean.numpy())], "centred")
    g.add("Mul", ["centred", g.weight("mel_scale", model.scale.numpy())], "scaled")
    g.add("Transpose", ["scaled"], "bands_first", perm=[1, 0])
    x = g.add("Unsqueeze", ["bands_first", g.weight("batch_axis", np.array([0]))], "batched")
    for name, conv in (("conv1", model.conv1), ("conv2", model.conv2), ("conv3", model.conv3)):
        w = g.half(f"{name}_w", conv.weight.detach().numpy())
        assert conv.bias is not None
        b = g.weight(f"{name}_b", conv.bias.detach().numpy())
        g.add("Conv", [x, w, b], f"{name}_out", strides=[conv.stride[0]], kernel_shape=[conv.kernel_size[0]])
        x = g.add("Relu", [f"{name}_out"], f"{name}_relu")
    x = g.add("Transpose", [x], "step", perm=[2, 0, 1])  # [1, 1, hidden]
    g.add("Unsqueeze", ["memory", g.weight("memory_axis", np.array([1]))], "memory_batched")  # [2, 1, hidden]
    g.nodes.append(helper.make_node("Split", ["memory_batched", g.weight("halves", np.array([1, 1]))], ["h1", "h2"], axis=0))
    for i, gru in (("1", model.gru1), ("2", model.gru2)):
        w, r, b = gru_weights(gru)
        inputs = [x, g.half(f"gru{i}_w", w), g.half(f"gru{i}_r", r), g.weight(f"gru{i}_b", b), "", f"h{i}"]
        g.nodes.append(helper.make_node("GRU", inputs, [f"y{i}", f"h{i}_out"], hidden_size=hidden, linear_before_reset=1))
        x = g.add("Squeeze", [f"y{i}", g.weight(f"direction{i}", np.array([1]))], f"gru{i}")  # [1, 1, hidden]
    g.add("Concat", ["h1_out", "h2_out"], "memory_pair", axis=0)
    g.add("Squeeze", ["memory_pair", "memory_axis"], "memory_out")
    g.add("Concat", ["gru1", "gru2"], "both", axis=2)
    g.add("Reshape", ["both", g.weight("row", np.array([1, 2 * hidden]))], "features")

    head_w, head_b = model.head.weight.detach().numpy().copy(), model.head.bias.detach().numpy().copy()
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
    g.add("Softmax", ["phone_raw"], "phones", axis=1)
    g.add("MatMul", ["phones", g.weight("poses", model.poses.numpy())], "pose")
    g.add("Add", ["shape_raw", "pose"], "shape_of_phone")
    g.add("Mul", ["opening", g.weight("articulation", np.array([ARTICULATION], np.float32))], "scale")
    g.add("Mul", ["shape_of_phone", "scale"], "articulated")
    g.add("LeakyRelu", ["articulated"], "shape", alpha=LEAK)
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
    g.add("Squeeze", ["mouth_clipped", "batch_axis"], "mouth")
    g.add("Softmax", ["viseme_raw"], "viseme_row", axis=1)
    g.add("Squeeze", ["viseme_row", "batch_axis"], "visemes")
    g.add("Sigmoid", ["voice_raw"], "voice_row")
    g.add("Squeeze", ["voice_row", "batch_axis"], "voice")

    def tensor(name: str, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    inputs = [tensor("mel", FRAMES_PER_TICK, BANDS), tensor("context", CONTEXT, BANDS), tensor("memory", 2, hidden),
              tensor("opening", 1)]
    outputs = [tensor("mouth", len(names)), tensor("visemes", len(VISEME_NAMES)), tensor("voice", 1),
               tensor("context_out", CONTEXT, BANDS), tensor("memory_out", 2, hidden)]  # fmt: skip
    graph = helper.make_graph(g.nodes, "speech", inputs, outputs, g.weights)
    opset = [helper.make_opsetid("", OPSET)]
    proto = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="bithuman-core")
    mel = {"sample_rate": SAMPLE_RATE, "hop": HOP, "window": WINDOW, "fft": FFT, "bands": BANDS,
           "fmin": FREQUENCY_MIN, "fmax": FREQUENCY_MAX}  # fmt: skip
    helper.set_model_props(proto, {
        "format": FORMAT, "version": VERSION, "lookahead_ticks": str(LOOKAHEAD_TICKS), "mouth_names": json.dumps(names),
        "viseme_names": json.dumps(VISEME_NAMES), "mel": json.dumps(mel),
        "mel_filters": base64.b64encode(zlib.compress(filters.astype("<f4").tobytes(), 9)).decode(),
        "licence": "Apache-2.0", "card": "models/speech.md"})  # fmt: skip
    onnx.checker.check_model(proto, full_check=True)
    temporary = path.with_suffix(".part")
    temporary.write_bytes(proto.SerializeToString())
    temporary.rename(path)
