"""Painting the eyeballs as they look now: the iris turns with the gaze, shade and catchlight stay (numba, one core)."""

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
TALL = np.float32(0.6)  # of the eyeball's radius: half the height that lids can bare


class Eyes:
    """Both eyes of one session, painted into its texture."""

    def __init__(self, rig: PortraitRig, texture: NDArray[np.uint32]) -> None:
        self._rig, self._texture = rig, texture
        self._channels = (_channels("Left"), _channels("Right"))
        self._painted: list[tuple[int, ...] | None] = [None, None]

    def look(self, amount: NDArray[np.float32]) -> None:
        """Paint the eyes for 52 coefficients, where they look otherwise than they did."""
        side, up, down = self._rig.gaze
        for k, sign in enumerate((1.0, -1.0)):
            eye = self._rig.eyes[k]
            look_in, look_out, look_up, look_down, blink, wide = (float(v) for v in amount[self._channels[k]])
            yaw = sign * side * (look_out - look_in)
            pitch = up * look_up - down * look_down
            lid = 0.55 * blink - 0.12 * wide
            steps = STEPS * eye.radius
            now = (round(steps * yaw), round(steps * pitch), round(steps * lid))
            if now == self._painted[k]:
                continue
            self._painted[k] = now
            dusk = min(max((now[2] / steps / 0.55 - 0.3) / 0.5, 0.0), 1.0)  # lid and lashes darken a closing eye
            shade = self._rig.shade_scale * (1 - 0.75 * dusk * dusk * (3 - 2 * dusk))
            paint_eye(eye.picture, eye.catchlight, *eye.centre, eye.radius, now[0] / steps, now[1] / steps, shade, now[2] / STEPS,
                      self._texture, *eye.place)  # fmt: skip


def _channels(side: str) -> NDArray[np.intp]:
    return indices(*(f"eyeLook{way}{side}" for way in ("In", "Out", "Up", "Down")), f"eyeBlink{side}", f"eyeWide{side}")


@njit(
    void(
        given(uint8, 3), given(uint8, 3), float32, float32, float32, float32, float32, float32, float32,
        scratch(uint32, 2), int32, int32,
    ),
    nogil=True, cache=True, fastmath=True,
)  # fmt: skip
def paint_eye(picture, catchlight, centre_x, centre_y, radius, yaw, pitch, shade_scale, lid, out, left, top):
    """Paint one eye into the packed texture out, its picture's corner at left, top.

    picture [h, w, 4]: BGR of the straight eye and, as alpha, the shade of lids and brow (255 = shade_scale);
    catchlight [h, w, 3] is added. The eyeball (centre, radius in px) turns by yaw (+ image right) and pitch (+ up), radians.
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
            word = uint32(0xFF000000)
            for k in range(3):
                a = picture[iv, iu, k] * (np.float32(1) - fu) + picture[iv, iu + 1, k] * fu
                b = picture[iv + 1, iu, k] * (np.float32(1) - fu) + picture[iv + 1, iu + 1, k] * fu
                value = (a * (np.float32(1) - fv) + b * fv) * shade + catchlight[y, x, k]
                word |= uint32(min(value, np.float32(255))) << uint32(8 * k)
            out[top + y, left + x] = word
