"""Painting the eyeballs as they look now: the iris turns with the gaze, shade and catchlight stay (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int32, njit, uint8, uint32, void

from bithuman_core.render.signature import given, scratch

TALL = np.float32(0.6)  # of the eyeball's radius: half the height that lids can bare


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
