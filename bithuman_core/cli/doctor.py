"""``bithuman-core doctor``: does everything that avatars need work on this machine?"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from bithuman_core.errors import BithumanError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. What is optional may be missing."""

    what: str
    ok: bool
    says: str
    optional: bool = False


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _speech() -> str:
    from bithuman_core.speech import SpeechNet

    return f"onnxruntime {version('onnxruntime')}, {len(SpeechNet.load().mouth_names)} mouth coefficients"


def _avatar() -> str:
    from bithuman_core.engine import Engine, Fixture
    from bithuman_core.settings import default_avatar

    fixture = Fixture(default_avatar())
    height, width = Engine(fixture).step(None).frame.shape[:2]
    return f"{fixture.manifest.name}, {width} x {height}, numba {version('numba')}"


def _graphics() -> str:
    from bithuman_core.render.gpu.device import describe, find_gpu
    from bithuman_core.settings import settings

    return f"{find_gpu(software=True).name} of {'; '.join(describe())}, BITHUMAN_RENDERER={settings().renderer}"


def _video() -> str:
    import av

    return f"PyAV {av.__version__}, H.264 {'yes' if 'libx264' in av.codecs_available else 'NO'}"


def _package(name: str, extra: str) -> Callable[[], str]:
    def look() -> str:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            raise ModuleNotFoundError(f"not installed: pip install 'bithuman-core[{extra}]'") from None

    return look


def _find(what: str, look: Callable[[], str], optional: bool) -> Finding:
    try:
        return Finding(what, True, look(), optional)
    except (ImportError, OSError, BithumanError) as error:
        return Finding(what, False, str(error), optional)


def examine() -> list[Finding]:
    """Everything in turn; nothing is raised."""
    looks: list[tuple[str, Callable[[], str], bool]] = [
        ("Python", _python, False),
        ("speech net", _speech, False),
        ("avatar, renderer", _avatar, False),
        ("video files", _video, False),
        ("graphics", _graphics, True),
        ("page", _package("gradio", "demo"), True),
        ("photo to avatar", _package("ai-edge-litert", "build"), True),
        ("LiveKit", _package("livekit-agents", "livekit"), True),
        ("Pipecat", _package("pipecat-ai", "pipecat"), True),
    ]
    findings = [_find(what, look, optional) for what, look, optional in looks]
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        findings[0] = Finding("Python", False, f"{_python()}: 3.10 to 3.13 are needed")
    return findings
