"""Whatever takes an avatar takes one of each kind."""

import pytest

each_kind = pytest.mark.parametrize("avatar_path", ["mara", "film"], indirect=True)
"""Runs a test that asks for ``avatar_path``, ``fixture`` or what is made of them with a portrait and with a film."""
