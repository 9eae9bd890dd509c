"""The avatar container: one safetensors file with a JSON manifest. Format: docs/imx-format.md."""

from bithuman_core.imx.manifest import Manifest
from bithuman_core.imx.reader import ImxFile, read_imx
from bithuman_core.imx.writer import write_imx

__all__ = ["ImxFile", "Manifest", "read_imx", "write_imx"]
