"""The door of the admin page: who gets in, for how long, and that nothing of it stands open beside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select
from starlette.routing import Mount

from bithuman_core.service.admin.door import COOKIE, HOURS, LOGIN, LOGOUT, PATH
from bithuman_core.service.admin.page import AdminPage
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import AuditEntry
from bithuman_core.service.errors import Unavailable
from bithuman_core.service.tokens import SKEW_SECONDS
from tests.service.conftest import Clock
from tests.service.serving import Client, make_service, sentence

FOREIGN = re.compile(r'(?:src|href)="https?://')  # of other hosts


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Client, Clock]]:
    folder, clock = tmp_path_factory.mktemp("admin"), Clock()
    service = make_service(f"sqlite:///{folder / 'service.db'}", folder / "files", clock)
    with Client(service, None, admin=AdminPage(service)) as client:
        client.follow_redirects = False
        yield service, client, clock


@pytest.fixture
def outside(shared: tuple[Service, Client, Clock]) -> Client:
    shared[1].cookies.clear()
    return shared[1]


def sign_in(client: Client, scope: str = "admin") -> str:
    """The id of a new secret that has signed in."""
    secret, row = client.service.secrets.create("who", [scope])
    client.post(LOGIN, data={"secret": secret})
    return row.id


def test_who_has_not_signed_in_sees_the_form_and_nothing_else(outside: Client) -> None:
    answer = outside.get(f"{PATH}/")
    assert answer.status_code == 303 and answer.headers["location"] == LOGIN
    form = outside.get(LOGIN)
    assert form.status_code == 200 and 'type="password"' in form.text
    assert "frame-ancestors 'none'" in form.headers["content-security-policy"]


def test_none_of_gradios_addresses_is_open(shared: tuple[Service, Client, Clock], outside: Client) -> None:
    """Also those that Gradio itself guards not: its files, its queue, its uploads, its list of calls."""
    mounted = next(route for route in AdminPage(shared[0]).app.routes if isinstance(route, Mount) and route.path == PATH)
    included = [cast(Any, part).original_router for part in mounted.routes if hasattr(part, "original_router")]
    every: list[Any] = [*mounted.routes, *(route for router in included for route in router.routes)]
    routes = [route for route in every if getattr(route, "methods", None)]
    assert {"/config", "/gradio_api/upload", "/gradio_api/queue/join"} <= {route.path for route in routes}
    for route in routes:
        path = f"{PATH}{route.path}".replace("{", "").replace("}", "").replace(":path", "")
        for method in route.methods:
            answer = outside.request(method, path)
            assert answer.status_code in (303, 401), (method, path, answer.status_code)


def test_a_secret_of_an_admin_opens_it(outside: Client) -> None:
    secret, row = outside.service.secrets.create("host", ["admin"])
    answer = outside.post(LOGIN, data={"secret": f" {secret} "})
    assert answer.status_code == 303 and answer.headers["location"] == f"{PATH}/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and f"Path={PATH}" in cookie and secret not in cookie
    page = outside.get(f"{PATH}/")
    assert page.status_code == 200 and "Your avatar service" in page.text and not FOREIGN.search(page.text)
    with outside.service.database.reading() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert last is not None and (last.action, last.secret_id) == ("admin.login", row.id)


@pytest.mark.parametrize(("secret", "status"), [("", 401), ("bhc_wrong", 401), ("reader", 403)])
def test_other_secrets_do_not_open_it_and_are_told_why(outside: Client, secret: str, status: int) -> None:
    if secret == "reader":
        secret, _ = outside.service.secrets.create("reader", ["read", "speak", "build"])
    answer = outside.post(LOGIN, data={"secret": secret})
    assert answer.status_code == status and 'role="alert" >' in answer.text
    assert COOKIE not in outside.cookies and outside.get(f"{PATH}/").status_code == 303


def test_who_is_revoked_is_out_at_once(outside: Client) -> None:
    number = sign_in(outside)
    assert outside.get(f"{PATH}/config").status_code == 200
    outside.service.secrets.revoke(number)
    sentence(outside.get(f"{PATH}/config"), 403, "FORBIDDEN")
    assert outside.get(f"{PATH}/").headers["location"] == LOGIN


def test_it_closes_after_some_hours_and_when_one_signs_out(shared: tuple[Service, Client, Clock], outside: Client) -> None:
    clock = shared[2]
    sign_in(outside)
    clock.now += HOURS * 3600 + SKEW_SECONDS
    sentence(outside.get(f"{PATH}/config"), 401, "UNAUTHORIZED")
    sign_in(outside)
    assert outside.post(LOGOUT).headers["location"] == LOGIN
    assert outside.get(f"{PATH}/").status_code == 303


def test_a_token_of_another_kind_is_no_cookie(outside: Client) -> None:
    number = outside.service.secrets.create("host", ["admin"])[1].id
    token, _ = outside.service.tokens.issue(number, "bithuman-runtime")
    assert outside.get(f"{PATH}/", headers={"cookie": f"{COOKIE}={token}"}).status_code == 303


def test_a_cookie_holds_in_every_process_of_the_installation(outside: Client, tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'both.db'}"
    one, other = (make_service(url, tmp_path / "files", clock) for _ in range(2))
    with Client(one, None, admin=AdminPage(one)) as first, Client(other, None, admin=AdminPage(other)) as second:
        secret, _ = one.secrets.create("host", ["admin"])
        first.post(LOGIN, data={"secret": secret})
        second.cookies.update(first.cookies)
        assert second.get(f"{PATH}/config").status_code == 200


def test_without_its_database_it_says_so(outside: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(outside)

    def away(*_: object) -> bool:
        raise Unavailable("The database does not answer: try again in a minute.", retry=5)

    monkeypatch.setattr(outside.service.secrets, "still_may", away)
    sentence(outside.get(f"{PATH}/"), 503, "SERVICE_UNAVAILABLE")
