"""A whole installation moves: agents, files, secrets and keys, from SQLite to PostgreSQL; what is no export changes nothing."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from bithuman_core.errors import Failed
from bithuman_core.service.data.tables import Agent, Secret
from bithuman_core.service.moving import export_to, import_from
from bithuman_core.service.tokens import RUNTIME
from tests.service.conftest import Clock, new_database
from tests.service.postgres import Server
from tests.service.serving import MARA, Client, make_service, sentence


def test_an_installation_moves_to_postgresql(client: Client, postgres: Server, tmp_path: Path, clock: Clock) -> None:
    code = client.agent(name="Mara", prompt="You are kind.")
    client.work()
    token, _ = client.service.tokens.issue("x", RUNTIME)
    out = tmp_path / "all.tar"
    assert export_to(out, client.service.database, client.service.storage) == 2
    assert out.stat().st_mode & 0o077 == 0
    assert client.headers["api-secret"].encode() not in out.read_bytes()
    there = make_service(new_database(postgres, "moved"), tmp_path / "there", clock)
    assert import_from(out, there.database, there.storage) == 2
    moved = Client(there, client.headers["api-secret"])
    shown = moved.get(f"/v1/agent/{code}").json()["data"]
    assert (shown["name"], shown["system_prompt"]) == ("Mara", "You are kind.")
    assert moved.get(shown["model_url"]).content == MARA.read_bytes()
    assert there.tokens.read(token, RUNTIME)["sub"] == "x"
    with pytest.raises(Failed, match="empty one"):
        import_from(out, there.database, there.storage)
    assert moved.delete(f"/v1/agent/{code}").status_code == 200
    assert list(there.storage.everything()) == []
    assert moved.agent() != code, "numbers go on"
    sentence(moved.get(f"/v1/agent/{code}"), 404, "AGENT_NOT_FOUND")
    there.close()


@pytest.mark.parametrize("fault", ["text", "nothing", "cut", "other tar", "wrong file", "missing file", "other version"])
def test_what_is_no_export_leaves_an_installation_empty(client: Client, tmp_path: Path, clock: Clock, fault: str) -> None:
    client.agent()
    client.work()
    out = tmp_path / "all.tar"
    export_to(out, client.service.database, client.service.storage)
    _spoil(out, fault)
    there = make_service(f"sqlite:///{tmp_path / 'there.db'}", tmp_path / "there", clock)
    with pytest.raises(Failed) as caught:
        import_from(out, there.database, there.storage)
    assert caught.value.message.endswith(".")
    with there.database.reading() as session:
        assert session.query(Agent).count() == session.query(Secret).count() == 0
    there.close()


def _spoil(out: Path, fault: str) -> None:
    if fault in ("text", "nothing", "cut"):
        content = out.read_bytes()
        out.write_bytes({"text": b"hello" * 300, "nothing": b"", "cut": content[: len(content) // 2]}[fault])
        return
    with tarfile.open(out) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    names = list(members)
    if fault == "other tar":
        members = {"hello.txt": b"hello"}
    elif fault == "wrong file":
        members[names[1]] += b"x"
    elif fault == "missing file":
        del members[names[-1]]
    else:
        members[names[0]] = json.dumps(json.loads(members[names[0]]) | {"revision": "9999"}).encode()
    with tarfile.open(out, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
