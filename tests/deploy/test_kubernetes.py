"""deploy/ray/: manifests that Kubernetes and KubeRay take, of an application that Ray Serve takes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from bithuman_core import __version__
from tests.deploy.checker import check
from tests.deploy.conftest import ROOT

FOLDER = ROOT / "deploy" / "ray"
FILES = sorted(file.name for file in FOLDER.glob("*.yaml"))
RAYS_OWN = {6379, 8265, 10001}  # ports of which each lets run programs


def manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


@pytest.fixture
def service() -> dict[str, Any]:
    return manifest("rayservice")


@pytest.fixture
def applications(service: dict[str, Any]) -> dict[str, Any]:
    return yaml.safe_load(service["spec"]["serveConfigV2"])


def pods(service: dict[str, Any]) -> Iterator[dict[str, Any]]:
    cluster = service["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        yield group["template"]["spec"]


@pytest.mark.usefixtures("checker")
def test_kubernetes_takes_them(tmp_path: Path) -> None:
    assert len(FILES) == 3
    done = check("manifests", *FILES, folder=FOLDER)
    assert done.returncode == 0, done.stderr
    wrong = (FOLDER / "rayservice.yaml").read_text().replace("minReplicas", "minimumReplicas")
    (tmp_path / "wrong.yaml").write_text(wrong)
    done = check("manifests", "wrong.yaml", folder=tmp_path)
    assert done.returncode == 1 and "minimumReplicas" in done.stderr


def test_ray_serve_takes_its_configuration(applications: dict[str, Any]) -> None:
    schema = pytest.importorskip("ray.serve.schema")
    read = schema.ServeDeploySchema.model_validate(applications)
    assert [application.route_prefix for application in read.applications] == ["/"]


def test_the_application_is_there(applications: dict[str, Any]) -> None:
    if find_spec("bithuman_core.cluster") is None:
        pytest.skip("this version has no cluster")
    pytest.importorskip("ray.serve")
    for application in applications["applications"]:
        module, _, name = application["import_path"].partition(":")
        assert callable(getattr(importlib.import_module(module), name))
        plan = importlib.import_module("bithuman_core.cluster.plan").Plan
        assert application["args"].keys() <= {field.name for field in fields(plan)}


def test_versions_are_those_of_the_package(service: dict[str, Any]) -> None:
    images = {one["image"] for pod in pods(service) for one in [*pod.get("initContainers", ()), *pod["containers"]]}
    assert len(images) == 1
    assert {image.rpartition(":")[2] for image in images} == {__version__}
    pytest.importorskip("ray")
    assert service["spec"]["rayClusterConfig"]["rayVersion"] == version("ray")


def test_pods_have_no_rights_and_an_end_to_what_they_take(service: dict[str, Any]) -> None:
    for pod in pods(service):
        assert pod["securityContext"]["runAsNonRoot"]
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
            assert container["resources"]["limits"].keys() == {"cpu", "memory"}
            assert container["envFrom"] == [{"secretRef": {"name": "bithuman"}}], "settings, and no secret in a manifest"


def test_rays_own_ports_are_closed_and_the_services_is_open(service: dict[str, Any], applications: dict[str, Any]) -> None:
    to_all = [rule["ports"] for rule in manifest("networkpolicy")["spec"]["ingress"] if "from" not in rule]
    tcp = [port for ports in to_all for port in ports if port["protocol"] == "TCP"]
    assert all(ports for ports in to_all) and all("endPort" not in port for port in tcp)
    served = applications["http_options"]["port"]
    assert {port["port"] for port in tcp} == {served} and served not in RAYS_OWN
    (rule,) = manifest("ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    name = service["metadata"]["name"]
    assert path["backend"]["service"] == {"name": f"{name}-serve-svc", "port": {"number": served}}
    for pod in pods(service):
        assert served in {port["containerPort"] for port in pod["containers"][0]["ports"]}
