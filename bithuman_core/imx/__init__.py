"""The avatar container: one safetensors file with a JSON manifest. Format: docs/imx-format.md."""
