"""What footage must be like. Every refusal says what was measured, the limit, and what to do."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.calm import CalmPlan
from bithuman_core.build.footage.person import Person
from bithuman_core.build.footage.refusal import NotFootage

LEAST_SECONDS = 4.0
LOST = 0.02  # of the frames that may show no face
MOST_YAW = 25.0  # degrees
MOST_ERROR = 2.0  # canvas px rms between the smooth head and the measured one: 1 px of a 512 px frame
USUAL_ACTIVITY, RESTING, RESTING_SHARE = 0.03, 0.015, 0.05  # face widths: median, and what some frames must be under


def check_seen(found: Array) -> None:
    """Refuse clips that lose the face."""
    lost = 1 - float(found.mean())
    if lost > LOST:
        raise NotFootage(f"the face is lost in {100 * lost:.0f} % of the frames and {100 * LOST:.0f} % are allowed")


def check_person(person: Person) -> None:
    """Refuse heads that turn too far or move too fast to be followed."""
    yaw = float(np.quantile(np.abs(person.yaw), 0.98))
    if yaw > MOST_YAW:
        raise NotFootage(f"the head turns by {yaw:.0f} degrees and {MOST_YAW:.0f} are allowed")
    if person.error > MOST_ERROR:
        raise NotFootage(f"the head moves too fast to be followed: it is {person.error / 2:.1f} px off and 1.0 are allowed")


def check_calm(plan: CalmPlan) -> None:
    """Refuse mouths that never rest."""
    usual, resting = float(np.median(plan.activity)), float((plan.activity <= RESTING).mean())
    if usual > USUAL_ACTIVITY or resting < RESTING_SHARE:
        raise NotFootage(
            f"the mouth never rests: in the median it is {usual:.3f} face widths from rest ({USUAL_ACTIVITY} are allowed), in "
            f"{100 * resting:.0f} % of the frames under {RESTING} ({100 * RESTING_SHARE:.0f} % are needed)"
        )
