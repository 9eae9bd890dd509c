"""deploy/compose.yaml, as docker compose reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from pydantic import AliasChoices

from bithuman_core.cli import app
from bithuman_core.demo.settings import DemoSettings
from bithuman_core.fastrtc import own_turn, turn
from bithuman_core.service import settings as places
from bithuman_core.settings import Settings
from tests.deploy.checker import check, project
from tests.deploy.conftest import ROOT
from tests.deploy.debian import CADDY

pytestmark = pytest.mark.usefixtures("checker")
DEPLOY = ROOT / "deploy"
WRITTEN, EXAMPLE = (DEPLOY / "compose.yaml").read_text(), (DEPLOY / ".env.example").read_text()
NEEDED = re.findall(r"^(\w+)=$", EXAMPLE, re.MULTILINE)
GIVEN = {name: f"only-for-tests-{number}" for number, name in enumerate(NEEDED)}
OBJECT_STORAGE = re.compile(r"AWS_[A-Z_]+")  # the names of its own world; docs/service.md lists ours


@pytest.fixture
def whole() -> Mapping[str, Any]:
    return project(DEPLOY, **GIVEN)


@pytest.fixture
def services(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    return whole["services"]


def known_names() -> set[str]:
    """All settings of the package that the environment can name."""
    names = {places.FOLDER, places.DATABASE_URL, places.STORAGE_URL, turn.STUN}
    names |= {own_turn.URLS, own_turn.USERNAME, own_turn.PASSWORD, own_turn.SECRET}
    for family in (Settings, DemoSettings):
        prefix = family.model_config.get("env_prefix", "")
        for name, field in family.model_fields.items():
            alias = field.validation_alias
            choices = alias.choices if isinstance(alias, AliasChoices) else [alias or f"{prefix}{name}"]
            names |= {str(choice).upper() for choice in choices}
    return names


@pytest.mark.parametrize("left_out", NEEDED)
def test_nothing_starts_without_its_secrets(left_out: str) -> None:
    for value in ({}, {left_out: ""}):
        given = {name: told for name, told in GIVEN.items() if name != left_out} | value
        done = check("compose", "compose.yaml", folder=DEPLOY, **given)
        assert done.returncode == 1 and left_out in done.stderr and ".env.example" in done.stderr and not done.stdout


def test_the_example_names_what_can_be_set_and_holds_no_secret() -> None:
    told = set(re.findall(r"^#?(\w+)=", EXAMPLE, re.MULTILINE))
    interpolated = set(re.findall(r"(?<!\$)\$\{(\w+)", WRITTEN))
    passed_on = set(re.findall(r"^ {6}(\w+):$", WRITTEN, re.MULTILINE))
    assert told == interpolated | passed_on
    assert len(NEEDED) == 4 and set(NEEDED) <= interpolated


def test_the_service_is_told_what_it_knows(services: Mapping[str, Any]) -> None:
    names = set(services["service"]["environment"])
    ours = {name for name in names if not OBJECT_STORAGE.fullmatch(name)}
    assert len(ours) > 5 and ours <= known_names()
    document = (ROOT / "docs" / "service.md").read_text("utf-8")
    assert all(name in document for name in names - ours)


def test_the_service_is_started_with_options_that_it_has(services: Mapping[str, Any]) -> None:
    program, command, *options = services["service"]["command"]
    assert program == "bithuman-core"
    group = cast(Any, typer.main.get_command(app))
    said = group.commands[command].make_context(command, options).params
    assert said["host"] == "127.0.0.1" and said["visit_minutes"] == 10
    port = f"127.0.0.1:{said['port']}"
    for file in ("Caddyfile", "prometheus/prometheus.yml"):
        assert port in (DEPLOY / file).read_text()


def test_a_setting_reaches_the_service() -> None:
    told = {**GIVEN, "DOMAIN": "avatars.example.org", "BITHUMAN_LLM_URL": "http://127.0.0.1:11434/v1"}
    service = project(DEPLOY, **told)["services"]["service"]
    assert told["DOMAIN"] in service["command"]
    assert f"turn:{told['DOMAIN']}:3478" in service["environment"][own_turn.URLS].split()
    assert service["environment"]["BITHUMAN_LLM_URL"] == told["BITHUMAN_LLM_URL"]


def test_nobody_has_more_rights_than_needed(services: Mapping[str, Any]) -> None:
    for name, service in services.items():
        assert not service.get("privileged") and service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ())), name
        assert service["restart"] == "unless-stopped"
        for volume in service.get("volumes", ()):
            if volume["type"] == "bind":
                assert volume["read_only"] and Path(volume["source"]).is_relative_to(ROOT) and Path(volume["source"]).exists()
    assert services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert services["caddy"]["profiles"] == ["tls"], "it is the one that asks the internet, and the world comes in by it"


def test_images_are_of_a_version(services: Mapping[str, Any]) -> None:
    for name, service in services.items():
        image, _, tag = service["image"].partition(":")
        assert (tag and tag != "latest") or "build" in service, (name, image)


def test_caddy_understands_its_file(tmp_path: Path) -> None:
    program = CADDY.find()
    if program is None:
        pytest.skip(CADDY.missing)
    asked = [str(program), "adapt", "--config", str(DEPLOY / "Caddyfile"), "--validate"]
    environment = {"DOMAIN": "avatars.example.org", "HOME": str(tmp_path)}
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"avatars.example.org"' in done.stdout and '"livekit.avatars.example.org"' in done.stdout


def test_the_checker_finds_what_is_wrong(tmp_path: Path) -> None:
    for right, wrong in (("volumes: [\"files:/data\"]", "volumes: [\"fails:/data\"]"), ("read_only: true", "readonly: true")):
        shutil.copytree(DEPLOY, tmp_path / "deploy", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".env", "secrets"))
        assert right in WRITTEN
        (tmp_path / "deploy" / "compose.yaml").write_text(WRITTEN.replace(right, wrong))
        assert check("compose", "compose.yaml", folder=tmp_path / "deploy", **GIVEN).returncode == 1
