"""Painting the eyeballs as they look now: the iris turns with the gaze, the catchlight half as far (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int32, njit, uint8, uint32, void
from numpy.typing import NDArray

from bithuman_core.face import indices
from bithuman_core.render.rig import PortraitRig
from bithuman_core.render.signature import given, scratch

STEPS = 16  # of a px: gaze and lids move in these, so that an eye that holds still need not be painted again
# Fitted on path-traced eyes. The lid: how far it comes down, in radii at eyeBlink 1, goes up at eyeWide 1, and follows
# a look down, as a share of a blink.
LID, WIDE, FOLLOWS = 0.4, 0.12, 0.8
SHUT, DUSK = (0.35, 0.9), 0.6  # where between open and closed it begins to take light from what is left of the eye; how much
MIRROR = 0.5  # of the way of the iris, that of the catchlight: the cornea bulges with half the eyeball's radius
TALL = np.float32(0.6)  # of the eyeball's radius: half the height that lids can bare


class Eyes:
    """Both eyes of one session, painted into its texture."""

    def __init__(self, rig: PortraitRig, texture: NDArray[np.uint32]) -> None:
        self._rig, self._texture = rig, texture
        self._channels = (_channels("Left"), _channels("Right"))
        self._painted: list[tuple[int, ...] | None] = [None, None]

    def look(self, amount: NDArray[np.float32], head: NDArray[np.float64]) -> None:
        """Paint the eyes for 52 coefficients and the head's yaw and pitch (radians), where they look otherwise than they did."""
        side, up, down = self._rig.gaze
        for k, sign in enumerate((1.0, -1.0)):
            eye = self._rig.eyes[k]
            look_in, look_out, look_up, look_down, blink, wide = (float(v) for v in amount[self._channels[k]])
            yaw = sign * side * (look_out - look_in)
            pitch = up * look_up - down * look_down
            shut = blink + FOLLOWS * look_down
            lid = LID * shut - WIDE * wide
            steps = STEPS * eye.radius
            # In the turned head, a light that stays where it is moves the other way.
            mirror_x, mirror_y = MIRROR * np.sin(yaw - head[0]), -MIRROR * np.sin(pitch - head[1])
            now = tuple(round(steps * v) for v in (yaw, pitch, lid, mirror_x, mirror_y))
            if now == self._painted[k]:
                continue
            self._painted[k] = now
            dusk = min(max((now[2] / steps / LID - SHUT[0]) / (SHUT[1] - SHUT[0]), 0.0), 1.0)
            shade = self._rig.shade_scale * (1 - DUSK * dusk * dusk * (3 - 2 * dusk))
            paint_eye(eye.picture, eye.catchlight, *eye.centre, eye.radius, now[0] / steps, now[1] / steps, shade, now[2] / STEPS,
                      now[3] / STEPS, now[4] / STEPS, self._texture, *eye.place)  # fmt: skip


def _channels(side: str) -> NDArray[np.intp]:
    return indices(*(f"eyeLook{way}{side}" for way in ("In", "Out", "Up", "Down")), f"eyeBlink{side}", f"eyeWide{side}")


@njit(
    void(
        given(uint8, 3), given(uint8, 3), float32, float32, float32, float32, float32, float32, float32,
        float32, float32, scratch(uint32, 2), int32, int32,
    ),
    nogil=True, cache=True, fastmath=True,
)  # fmt: skip
def paint_eye(picture, catchlight, centre_x, centre_y, radius, yaw, pitch, shade_scale, lid, mirror_x, mirror_y, out, left, top):
    """Paint one eye into the packed texture out, its picture's corner at left, top.

    picture [h, w, 4]: BGR of the straight eye and, as alpha, the shade of lids and brow (255 = shade_scale);
    catchlight [h, w, 3] is added, moved by mirror_x, mirror_y px. The eyeball (centre, radius in px) turns by yaw
    (+ image right) and pitch (+ up), radians.
    lid: px by which the upper lid has come down; its shadow comes with it.
    """
    h, w = picture.shape[0], picture.shape[1]
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    inverse = np.float32(1) / radius
    y0, y1 = max(np.int32(centre_y - TALL * radius), 0), min(np.int32(centre_y + TALL * radius), h)
    x0, x1 = max(np.int32(centre_x - radius), 0), min(np.int32(centre_x + radius), w)
    for y in range(y0, y1):
        for x in range(x0, x1):
            px = (np.float32(x) + np.float32(0.5) - centre_x) * inverse
            py = (np.float32(y) + np.float32(0.5) - centre_y) * inverse
            rr = px * px + py * py
            if rr > np.float32(0.97):
                s = np.sqrt(np.float32(0.97) / rr)
                px *= s
                py *= s
                rr = np.float32(0.97)
            pz = -np.sqrt(np.float32(1) - rr)
            # inverse of Rx(pitch) Ry(yaw): where this point of the eye was when it looked straight
            qy = cp * py - sp * pz
            qz = sp * py + cp * pz
            qx = cy * px + sy * qz
            qz = -sy * px + cy * qz
            u = min(max(centre_x + qx * radius - np.float32(0.5), np.float32(0)), np.float32(w) - np.float32(1.001))
            v = min(max(centre_y + qy * radius - np.float32(0.5), np.float32(0)), np.float32(h) - np.float32(1.001))
            iu, iv = np.int32(u), np.int32(v)
            fu, fv = u - np.float32(iu), v - np.float32(iv)
            side = (np.float32(x) + np.float32(0.5) - centre_x) * inverse
            bow = max(np.float32(1) - side * side * np.float32(1.3), np.float32(0))
            sv = min(max(np.float32(y) - lid * bow, np.float32(0)), np.float32(h) - np.float32(1.001))
            s0 = np.int32(sv)
            fs = sv - np.float32(s0)
            shade = picture[s0, x, 3] * (np.float32(1) - fs) + picture[s0 + 1, x, 3] * fs
            shade *= shade_scale * np.float32(1 / 255)
            mx = min(max(np.float32(x) - mirror_x, np.float32(0)), np.float32(w) - np.float32(1.001))
            my = min(max(np.float32(y) - mirror_y, np.float32(0)), np.float32(h) - np.float32(1.001))
            ix, iy = np.int32(mx), np.int32(my)
            gx, gy = mx - np.float32(ix), my - np.float32(iy)
            word = uint32(0xFF000000)
            for k in range(3):
                a = picture[iv, iu, k] * (np.float32(1) - fu) + picture[iv, iu + 1, k] * fu
                b = picture[iv + 1, iu, k] * (np.float32(1) - fu) + picture[iv + 1, iu + 1, k] * fu
                c = catchlight[iy, ix, k] * (np.float32(1) - gx) + catchlight[iy, ix + 1, k] * gx
                d = catchlight[iy + 1, ix, k] * (np.float32(1) - gx) + catchlight[iy + 1, ix + 1, k] * gx
                value = (a * (np.float32(1) - fv) + b * fv) * shade + c * (np.float32(1) - gy) + d * gy
                word |= uint32(min(value, np.float32(255))) << uint32(8 * k)
            out[top + y, left + x] = word
