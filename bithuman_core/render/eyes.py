"""Painting the eyeballs as they look now: the iris turns with the gaze, the catchlight half as far (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, int32, uint8, uint32, void
from numpy.typing import NDArray

from bithuman_core.face import indices
from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.rig import PortraitRig
from bithuman_core.render.signature import given, scratch
from bithuman_core.render.texel import bilinear

STEPS = 16  # of a px: gaze and lids move in these, so that an eye that holds still need not be painted again
# Fitted on path-traced eyes. The lid: how far it comes down, in radii at eyeBlink 1, goes up at eyeWide 1, and follows
# a look down, as a share of a blink.
LID, WIDE, FOLLOWS = 0.4, 0.12, 0.8
SHUT, DUSK = (0.35, 0.9), 0.6  # where between open and closed it begins to take light from what is left of the eye; how much
MIRROR = 0.5  # of the way of the iris, that of the catchlight: the cornea bulges with half the eyeball's radius
ABOVE, BELOW = np.float32(0.66), np.float32(0.54)  # of the eyeball's radius: what lids can bare over and under its middle


class Eyes:
    """Both eyes of one session, painted into its texture."""

    def __init__(self, rig: PortraitRig, texture: NDArray[np.uint32]) -> None:
        self._rig, self._texture = rig, texture
        self._painted: list[Look | None] = [None, None]
        self._pictures = [(packed_words(eye.picture), np.ascontiguousarray(eye.picture[..., 3]), packed_words(eye.catchlight))
                          for eye in rig.eyes]  # fmt: skip

    def look(self, amount: NDArray[np.float32], head: NDArray[np.float64]) -> None:
        """Paint the eyes for 52 coefficients and the head's yaw and pitch (radians), where they look otherwise than they did."""
        for k, eye in enumerate(self._rig.eyes):
            now = looking(self._rig, k, amount, head)
            if now == self._painted[k]:
                continue
            self._painted[k] = now
            paint_eye(*self._pictures[k], *eye.centre, eye.radius, now.yaw, now.pitch, now.shade, now.lid, now.mirror_x,
                      now.mirror_y, self._texture, *eye.place)  # fmt: skip


class Look(NamedTuple):
    """How an eye looks: radians, the shade's scale, px."""

    yaw: float
    pitch: float
    shade: float
    lid: float
    mirror_x: float
    mirror_y: float


def looking(rig: PortraitRig, which: int, amount: NDArray[np.float32], head: NDArray[np.float64]) -> Look:
    """How the left (0) or right (1) eye looks for 52 coefficients and the head's yaw and pitch (radians), in whole `STEPS`."""
    side, up, down = rig.gaze
    eye, sign = rig.eyes[which], (1.0, -1.0)[which]
    look_in, look_out, look_up, look_down, blink, wide = (float(v) for v in amount[CHANNELS[which]])
    yaw = sign * side * (look_out - look_in)
    pitch = up * look_up - down * look_down
    shut = blink + FOLLOWS * look_down
    lid = LID * shut - WIDE * wide
    steps = STEPS * eye.radius
    # In the turned head, a light that stays where it is moves the other way.
    mirror_x, mirror_y = MIRROR * np.sin(yaw - head[0]), -MIRROR * np.sin(pitch - head[1])
    now = [round(steps * v) for v in (yaw, pitch, lid, mirror_x, mirror_y)]
    dusk = min(max((now[2] / steps / LID - SHUT[0]) / (SHUT[1] - SHUT[0]), 0.0), 1.0)
    shade = rig.shade_scale * (1 - DUSK * dusk * dusk * (3 - 2 * dusk))
    return Look(now[0] / steps, now[1] / steps, shade, now[2] / STEPS, now[3] / STEPS, now[4] / STEPS)


def packed_words(picture: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """BGR or BGRA [h, w, 3 or 4] as words [h, w]."""
    words = np.zeros((*picture.shape[:2], 4), np.uint8)
    words[..., :3] = picture[..., :3]
    return words.view(np.uint32)[..., 0]


def _channels(side: str) -> NDArray[np.intp]:
    return indices(*(f"eyeLook{way}{side}" for way in ("In", "Out", "Up", "Down")), f"eyeBlink{side}", f"eyeWide{side}")


CHANNELS = _channels("Left"), _channels("Right")


@kernel(
    void(
        given(uint32, 2), given(uint8, 2), given(uint32, 2), float32, float32, float32, float32, float32, float32, float32,
        float32, float32, scratch(uint32, 2), int32, int32,
    ),
    fastmath=CAREFUL,
)  # fmt: skip
def paint_eye(picture, shades, catchlight, centre_x, centre_y, radius, yaw, pitch, shade_scale, lid, mirror_x, mirror_y, out,
              left, top):  # fmt: skip
    """Paint one eye into the packed texture out, its picture's corner at left, top.

    picture [h, w]: the straight eye, packed BGRA; shades [h, w]: the shade of lids and brow (255 = shade_scale); catchlight
    [h, w], packed, is added, moved by mirror_x, mirror_y px. The eyeball (centre, radius in px) turns by yaw (+ image right)
    and pitch (+ up), radians. lid: px by which the upper lid has come down; its shadow comes with it.
    """
    h, w = picture.shape
    half, one, zero, most = float32(0.5), float32(1), float32(0), float32(0.97)
    colours, lights, stride = picture.reshape(-1), catchlight.reshape(-1), uint32(w)
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    inverse, right, low = one / radius, float32(w) - float32(1.001), float32(h) - float32(1.001)
    level = shade_scale * float32(1 / 255)
    last_x, last_y = int32(w - 2), int32(h - 2)  # indices are held inside once more as whole numbers: NaN casts to anything
    y0, y1 = max(int32(centre_y - ABOVE * radius), int32(0)), min(int32(centre_y + BELOW * radius), int32(h))
    x0, x1 = max(int32(centre_x - radius), int32(0)), min(int32(centre_x + radius), int32(w))
    for y in range(y0, y1):
        my = min(max(float32(y) - mirror_y, zero), low)
        row = min(max(int32(my), int32(0)), last_y)
        light_row, light_fy = uint32(row) * stride, uint32(float32(16) * (my - float32(row)))
        for x in range(x0, x1):
            px = (float32(x) + half - centre_x) * inverse
            py = (float32(y) + half - centre_y) * inverse
            bow = max(one - px * px * float32(1.3), zero)
            rr = px * px + py * py
            if rr > most:
                s = np.sqrt(most / rr)
                px *= s
                py *= s
                rr = most
            pz = -np.sqrt(one - rr)
            # inverse of Rx(pitch) Ry(yaw): where this point of the eye was when it looked straight
            qy = cp * py - sp * pz
            qz = sp * py + cp * pz
            qx = cy * px + sy * qz
            u = min(max(centre_x + qx * radius - half, zero), right)
            v = min(max(centre_y + qy * radius - half, zero), low)
            iu, iv = min(max(int32(u), int32(0)), last_x), min(max(int32(v), int32(0)), last_y)
            at = uint32(iv) * stride + uint32(iu)
            fu, fv = uint32(float32(16) * (u - float32(iu))), uint32(float32(16) * (v - float32(iv)))
            word = bilinear(colours, at, at + stride, fu, fv)
            sv = min(max(float32(y) - lid * bow, zero), low)
            s0 = min(max(int32(sv), int32(0)), last_y)
            fs = sv - float32(s0)
            shade = level * (float32(shades[s0, x]) * (one - fs) + float32(shades[s0 + 1, x]) * fs)
            mx = min(max(float32(x) - mirror_x, zero), right)
            column = min(max(int32(mx), int32(0)), last_x)
            spot = light_row + uint32(column)
            light = uint32(0)
            if lights[spot] | lights[spot + 1] | lights[spot + stride] | lights[spot + stride + 1]:
                light = bilinear(lights, spot, spot + stride, uint32(float32(16) * (mx - float32(column))), light_fy)
            packed = uint32(0xFF000000)
            for k in range(3):
                shift = uint32(8 * k)
                value = float32((word >> shift) & uint32(255)) * shade + float32((light >> shift) & uint32(255))
                packed |= uint32(int32(min(value, float32(255)))) << shift
            out[top + y, left + x] = packed
