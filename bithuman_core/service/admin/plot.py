"""A day's load as a picture: one curve below the other, drawn as SVG, so that the page needs no script for it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bithuman_core.service.admin.words import when
from bithuman_core.service.load import Point

WIDTH, HEIGHT, LEFT, TOP, GAP = 960, 96, 44, 22, 18  # px of one curve; of the room for its numbers and its name
MARK_SECONDS = 3 * 3600  # between two lines of the hours
NAMED = (("Avatars live", "live"), ("Jobs open", "jobs"), ("Requests a minute", "requests"))


def day_plot(points: Sequence[Point]) -> str:
    """An SVG of the curves of a day; points as :func:`bithuman_core.service.load.of_a_day` gives them."""
    each = TOP + HEIGHT + GAP
    curves = "".join(
        f'<g transform="translate(0 {number * each})">{_curve(name, points, [getattr(point, field) for point in points])}</g>'
        for number, (name, field) in enumerate(NAMED)
    )
    most = ", ".join(f"{name.lower()} at most {max(getattr(point, field) for point in points):g}" for name, field in NAMED)
    return (
        f'<svg class="load" viewBox="0 0 {WIDTH} {len(NAMED) * each + 6}" role="img" '
        f'aria-label="The last 24 hours: {escape(most)}">{curves}</svg>'
    )


def _curve(name: str, points: Sequence[Point], values: Sequence[float]) -> str:
    top = _round_up(max(values))
    across = (WIDTH - LEFT) / max(len(values) - 1, 1)
    places = [(LEFT + number * across, TOP + HEIGHT * (1 - value / top)) for number, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    floor = TOP + HEIGHT
    marks = "".join(
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{floor}"/>'
        f'<text class="hour" x="{x:.1f}" y="{floor + 14}">{when(point.at)[11:16]}</text>'
        for (x, _), point in zip(places, points, strict=True)
        if point.at % MARK_SECONDS == 0
    )
    return (
        f'<text class="name" x="{LEFT}" y="14">{escape(name)}</text>{marks}'
        f'<text class="top" x="{LEFT - 8}" y="{TOP + 5}">{top:g}</text><text class="top" x="{LEFT - 8}" y="{floor}">0</text>'
        f'<line class="floor" x1="{LEFT}" x2="{WIDTH}" y1="{floor}" y2="{floor}"/>'
        f'<polygon class="area" points="{LEFT},{floor} {line} {WIDTH},{floor}"/><polyline class="line" points="{line}"/>'
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, … that is not less."""
    step = 1.0
    while True:
        for factor in (1, 2, 5):
            if value <= factor * step:
                return factor * step
        step *= 10
