"""Runtime tokens, and the SDK's own client of them: validation, renewal, outage, refusal."""

from __future__ import annotations

import jwt
import pytest

from bithuman_core.errors import AccountStatusError, TokenRequestError, TokenValidationError
from bithuman_core.runtime import AsyncBithuman
from bithuman_core.runtime.token_client import OUTAGE_SECONDS, Access
from bithuman_core.service.context import Service
from bithuman_core.service.errors import Unauthorized
from bithuman_core.service.tokens import LIFETIME_SECONDS, RUNTIME, SKEW_SECONDS, Tokens
from bithuman_core.settings import settings
from tests.service.conftest import Clock
from tests.service.serving import MARA, Client, listening

HERE = "http://127.0.0.1"


def opened(service: Service, secret: str, clock: Clock) -> Access:
    access = Access(HERE, secret, now=clock, client=Client(service, None))
    access.open()
    return access


def settle(access: Access) -> None:
    if access._pending is not None:
        access._pending.exception()


@pytest.fixture
def secret(service: Service) -> str:
    return service.secrets.create("sdk", ["read"])[0]


def test_the_sdk_runs_with_a_token_and_renews_it(service: Service, secret: str, clock: Clock) -> None:
    access = opened(service, secret, clock)
    first = str(access.token)
    assert access.validated and service.tokens.read(first, RUNTIME)["exp"] == int(clock.now) + LIFETIME_SECONDS
    clock.now += 0.9 * LIFETIME_SECONDS
    access.check()
    settle(access)
    access.check()
    assert access.token != first
    access.close()


def test_an_outage_is_tolerated_for_a_while(service: Service, secret: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    access = opened(service, secret, clock)
    with monkeypatch.context() as patched:
        patched.setattr(service.database.engine, "connect", _away)
        patched.setattr(service.database._writing, "connect", _away)
        clock.now += 0.9 * LIFETIME_SECONDS
        for _ in range(10):
            access.check()
            settle(access)
            clock.now += 6
    access.check()
    settle(access)
    clock.now += 6
    access.check()
    settle(access)
    assert access.validated and access._failing_since is None, "it has a new token"
    monkeypatch.setattr(service.database.engine, "connect", _away)
    clock.now += LIFETIME_SECONDS
    with pytest.raises(TokenRequestError):
        for _ in range(int(OUTAGE_SECONDS / 6) + 5):
            access.check()
            settle(access)
            clock.now += 6
    access.close()


def _away(*_: object, **__: object) -> None:
    from sqlalchemy.exc import OperationalError

    raise OperationalError("select", {}, OSError("no"))


def test_a_revoked_secret_ends_access(service: Service, clock: Clock) -> None:
    secret, row = service.secrets.create("sdk", ["read"])
    access = opened(service, secret, clock)
    service.secrets.revoke(row.id)
    clock.now += 0.9 * LIFETIME_SECONDS
    access.check()
    settle(access)
    with pytest.raises(TokenValidationError):
        access.check()
    with pytest.raises(TokenValidationError):
        opened(service, secret, clock)
    access.close()


def test_a_secret_that_may_not_run_avatars_is_told_apart(service: Service, clock: Clock) -> None:
    secret, _ = service.secrets.create("builder", ["build"])
    with pytest.raises(AccountStatusError):
        opened(service, secret, clock)


def test_clocks_of_two_machines_may_differ(service: Service, clock: Clock) -> None:
    token, ends = service.tokens.issue("somebody", RUNTIME)
    clock.now -= 3600
    assert service.tokens.read(token, RUNTIME)["sub"] == "somebody", "made by a machine whose clock is an hour ahead"
    clock.now = ends + SKEW_SECONDS - 1
    service.tokens.read(token, RUNTIME)
    clock.now = ends + SKEW_SECONDS
    with pytest.raises(Unauthorized):
        service.tokens.read(token, RUNTIME)


def test_tokens_of_others_are_not_taken(service: Service, clock: Clock) -> None:
    claims = {"sub": "x", "aud": RUNTIME, "exp": int(clock.now) + 100}
    mine, _ = service.tokens.issue("x", RUNTIME)
    other, _ = service.tokens.issue("x", "embed")
    foreign = jwt.encode(claims, "k" * 64, "HS256")
    unsigned = jwt.encode(claims, "", "none")
    for token in (foreign, unsigned, other, mine[:-2], "", "a.b.c", jwt.encode(claims | {"exp": "soon"}, "k" * 64, "HS256")):
        with pytest.raises(Unauthorized):
            service.tokens.read(token, RUNTIME)
    assert Tokens(service.database, clock).read(mine, RUNTIME)["sub"] == "x", "by another process"


async def test_a_runtime_runs_against_the_real_server(service: Service, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(service) as url:
        monkeypatch.setenv("BITHUMAN_API_URL", url)
        settings.cache_clear()
        async with await AsyncBithuman.create(model_path=MARA, api_secret=secret) as runtime:
            assert runtime.is_token_validated() and runtime.get_expiration_time() > 0
        with pytest.raises(TokenValidationError):
            await AsyncBithuman.create(model_path=MARA, api_secret="wrong")
    settings.cache_clear()
