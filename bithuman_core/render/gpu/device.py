"""The graphics processor: which one there is, and what it is asked for."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import BithumanError

SHADERS = Path(__file__).parent / "shaders"
BACKENDS = ("Vulkan", "Metal", "DX12")  # OpenGL has not all that the shaders need
SOFTWARE = "CPU"  # wgpu's word for an adapter that only imitates one
LIMITS = ("max-buffer-size", "max-storage-buffer-binding-size", "max-texture-dimension-2d",
          "max-storage-buffers-per-shader-stage")  # fmt: skip


class GpuError(BithumanError):
    """There is no graphics processor to draw with, or it is gone."""

    default_code = "GPU_ERROR"


@dataclass(frozen=True, eq=False)
class Gpu:
    """One device, shared by all avatars and sessions of a process. name: what its maker calls it; software: it is imitated."""

    device: Any
    name: str
    software: bool

    @property
    def queue(self) -> Any:
        """Where work is submitted."""
        return self.device.queue

    def module(self, *names: str) -> Any:
        """The shader module of these files one after the other."""
        code = "\n".join((SHADERS / f"{name}.wgsl").read_text(encoding="utf-8") for name in names)
        return self.device.create_shader_module(code=code)

    def buffer(self, values: NDArray[Any], uniform: bool = False) -> Any:
        """A buffer that holds an array; shaders only read it."""
        import wgpu

        usage = wgpu.BufferUsage.UNIFORM if uniform else wgpu.BufferUsage.STORAGE
        return self.device.create_buffer_with_data(data=np.ascontiguousarray(values), usage=usage)

    def empty(self, size: int, usage: int = 0) -> Any:
        """A buffer of so many bytes for shaders to write, to be copied from. usage: what it is for instead."""
        import wgpu

        return self.device.create_buffer(size=size, usage=usage or wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC)


def find_gpu(software: bool = False) -> Gpu:
    """The fastest graphics processor of this machine. software: an imitated one will do (for tests).

    Raises GpuError with a sentence that says what lacks.
    """
    if importlib.util.find_spec("wgpu") is None:
        raise GpuError("Drawing on a graphics processor needs the extra gpu: pip install 'bithuman-core[gpu]'.")
    found = _adapters()
    real = [adapter for adapter in found if adapter.info["adapter_type"] != SOFTWARE]
    usable = real or (found if software else [])
    if not usable:
        raise GpuError("There is no graphics processor here (or no driver of Vulkan, Metal or DX12 for it): the CPU draws.")
    return _opened(usable[0])


def describe() -> list[str]:
    """A line for each adapter of this machine, those that are imitated included."""
    if importlib.util.find_spec("wgpu") is None:
        return []
    return [f"{a.info['device']} ({a.info['backend_type']}, {a.info['adapter_type']})" for a in _adapters()]


@contextmanager
def gpu_errors() -> Iterator[None]:
    """Whatever goes wrong on the device within the block is a GpuError: it is lost, or has no memory left."""
    import wgpu

    try:
        yield
    except (wgpu.GPUError, RuntimeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise GpuError(f"The graphics processor has stopped ({lines[-1] if lines else type(error).__name__}).") from error


@contextmanager
def _quiet_display() -> Iterator[None]:
    """Servers have no display; Mesa looks for one, and its Wayland library complains where it is not told a folder to look in."""
    name = "XDG_RUNTIME_DIR"
    if name in os.environ:
        yield
        return
    os.environ[name] = os.devnull
    try:
        yield
    finally:
        del os.environ[name]


@cache
def _adapters() -> list[Any]:
    import wgpu
    from wgpu.backends.wgpu_native.extras import set_instance_extras

    logging.getLogger("wgpu").setLevel(logging.CRITICAL)  # what it says comes as exceptions, too
    set_instance_extras(backends=BACKENDS)
    with _quiet_display():
        found = wgpu.gpu.enumerate_adapters_sync()
    order = {"DiscreteGPU": 0, "IntegratedGPU": 1, "VirtualGPU": 2, "Unknown": 3, SOFTWARE: 4}
    return sorted(found, key=lambda adapter: order.get(adapter.info["adapter_type"], 3))


@cache
def _opened(adapter: Any) -> Gpu:
    with gpu_errors():
        device = adapter.request_device_sync(required_limits={name: adapter.limits[name] for name in LIMITS})
    return Gpu(device, adapter.info["device"], adapter.info["adapter_type"] == SOFTWARE)
