"""Where the speech net runs is chosen by a setting, and said where it cannot be."""

from __future__ import annotations

from typing import get_args

import onnxruntime as ort
import pytest

from bithuman_core.errors import ModelLoadError
from bithuman_core.settings import Provider, Settings, settings
from bithuman_core.speech.net import PROVIDERS, SpeechNet, providers_of


def test_the_cpu_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BITHUMAN_ONNX_PROVIDER", raising=False)
    assert Settings().onnx_provider == "cpu"
    assert providers_of("cpu") == ["CPUExecutionProvider"]
    assert SpeechNet.load()._session.get_providers() == ["CPUExecutionProvider"]


def test_one_that_onnxruntime_has_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert providers_of("cuda") == ["CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.mark.parametrize("name", ["cuda", "coreml"])
def test_one_that_it_has_not_is_said(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setenv("BITHUMAN_ONNX_PROVIDER", name)
    settings.cache_clear()
    try:
        with pytest.raises(ModelLoadError, match=f"run on {name}.*BITHUMAN_ONNX_PROVIDER"):
            SpeechNet.load()
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_every_provider_of_the_setting_is_known() -> None:
    assert PROVIDERS.keys() == set(get_args(Provider))
