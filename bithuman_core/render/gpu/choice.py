"""Who draws: the CPU, or a graphics processor (``BITHUMAN_RENDERER``)."""

from __future__ import annotations

import logging
from typing import get_args

from bithuman_core.render.gpu.device import Gpu, GpuError, find_gpu
from bithuman_core.settings import Renderer

logger = logging.getLogger(__name__)


def chosen(renderer: str) -> Gpu | None:
    """The device that draws; None: the CPU does.

    cpu: always. auto: a real graphics processor where there is one. gpu: any, one that the CPU imitates as well.
    Raises GpuError where gpu is asked for and there is none, ValueError for another word.
    """
    if renderer not in get_args(Renderer):
        raise ValueError(f"The renderer is {renderer!r}; give one of {', '.join(get_args(Renderer))}.")
    if renderer == "cpu":
        return None
    try:
        gpu = find_gpu(software=renderer == "gpu")
    except GpuError:
        if renderer == "gpu":
            raise
        return None
    if gpu.software:
        logger.warning("%s is a graphics processor that the CPU imitates: it is slower than the CPU's own drawing.", gpu.name)
    return gpu
