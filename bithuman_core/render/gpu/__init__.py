"""The same face drawn by a graphics processor (wgpu: Vulkan, Metal, DX12): an extra, ``bithuman-core[gpu]``.

Of portraits face states go up and finished pictures come back; films send each frame along. What is between stays on the device.
"""
