"""The audit of the dependencies: silent machines go on, known faults do not."""

from __future__ import annotations

import json

from tests.audit import verdict

CLEAN = {"name": "numpy", "version": "2.2.6", "vulns": []}
BAD = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "av", "skip_reason": "not found"}


def test_a_machine_without_the_database_says_so_and_goes_on() -> None:
    for answer in ("", json.dumps({"dependencies": [SKIPPED], "fixes": []})):
        code, sentence = verdict(answer)
        assert code == 0
        assert "NOT AUDITED" in sentence


def test_a_known_fault_is_named_with_what_mends_it() -> None:
    code, sentence = verdict(json.dumps({"dependencies": [CLEAN, BAD, SKIPPED], "fixes": []}))
    assert code == 1
    assert "pillow 1.0: PYSEC-1, fixed in 1.1" in sentence
    assert "2 of 3" in sentence


def test_clean_packages_pass() -> None:
    assert verdict(json.dumps({"dependencies": [CLEAN], "fixes": []}))[0] == 0
