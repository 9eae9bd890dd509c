"""What the tests share: the shipped avatar and net, and a clip of real speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.engine import Fixture
from bithuman_core.settings import models_dir, speech_clip
from bithuman_core.timing import SAMPLE_RATE
from tests.footage import Filmed, filmed

# Tests that look at a clock, or have browsers and servers beside them: `make test` runs these one after the other.
IN_TIME = ("browser", "cluster", "demo", "fastrtc", "faults", "livekit", "plugins", "worker")
LONG = ("cluster_long", "device_long")  # left out unless they are asked for
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of those rooms; leave out what takes long."""
    for long in LONG:
        if long not in str(config.getoption("markexpr", "")):
            items[:] = [item for item in items if item.get_closest_marker(long) is None]
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in IN_TIME:
            item.add_marker(pytest.mark.in_time)


@pytest.fixture(scope="session")
def avatar_path(request: pytest.FixtureRequest) -> Path:
    """Mara's file, or what a test is parametrised with: another shipped one, or "film", the film of her."""
    name = getattr(request, "param", "mara")
    return request.getfixturevalue("film").path if name == "film" else models_dir() / f"{name}.imx"


@pytest.fixture(scope="session")
def fixture(avatar_path: Path) -> Fixture:
    """Mara and the shipped speech net."""
    return Fixture.load(avatar_path)


@pytest.fixture(scope="session")
def speech() -> NDArray[np.int16]:
    """Six seconds of real speech, int16 at 16 kHz."""
    sound, _ = load_audio(speech_clip(), SAMPLE_RATE)
    return float32_to_int16(sound)[: 6 * SAMPLE_RATE]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    """A filmed avatar, and what it was made of."""
    pytest.importorskip("ai_edge_litert")
    return filmed(tmp_path_factory.mktemp("film"))
