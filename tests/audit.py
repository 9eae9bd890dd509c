"""Asks the advisory database about the pinned packages: ``python -m tests.audit``. 1 where one is known to be vulnerable.

Without a network there is nothing to ask: it says so in one line, and ends well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"
OPTIONS = ["--timeout", "5", "--progress-spinner", "off", "--disable-pip", "--no-deps", "--format", "json", "-r"]
DEADLINE = 20.0  # s, for everything together; pip-audit's own is for one connection


def verdict(answer: str) -> tuple[int, str]:
    """Exit code and sentence for what pip-audit wrote: JSON, or nothing where it could not ask."""
    try:
        packages = json.loads(answer)["dependencies"]
    except (ValueError, LookupError, TypeError):
        packages = []
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return 0, "NOT AUDITED: the advisory database cannot be reached from here. The dependencies were not checked."
    bad = [(package, fault) for package in asked for fault in package["vulns"]]
    lines = []
    for package, fault in bad:
        mended = ", ".join(fault["fix_versions"]) or "no version"
        lines.append(f"VULNERABLE: {package['name']} {package['version']}: {fault['id']}, fixed in {mended}")
    lines.append(f"audited: {len(asked)} of {len(packages)} packages, {len(bad)} advisories")
    return bool(bad), "\n".join(lines)


def main() -> int:
    """Ask, and print the verdict."""
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "pip_audit", *OPTIONS, str(REQUIREMENTS)],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired:
        answer = ""
    code, sentence = verdict(answer)
    print(sentence)
    return code


if __name__ == "__main__":
    sys.exit(main())
