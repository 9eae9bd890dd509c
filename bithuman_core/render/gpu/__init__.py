"""The same face drawn by a graphics processor (wgpu: Vulkan, Metal, DX12): an extra, ``bithuman-core[gpu]``.

Face states go up, finished pictures come back; what is between stays on the device. Footage is drawn by the CPU.
"""
