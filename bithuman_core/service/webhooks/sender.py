"""Takes deliveries to their addresses: never into this server's own network, never along a redirect, never for long."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import httpx
from sqlalchemy import select, update

from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Delivery, Webhook
from bithuman_core.service.metrics import Metrics
from bithuman_core.service.webhooks.signature import headers
from bithuman_core.worker.addresses import Addresses
from bithuman_core.worker.download import checked_url
from bithuman_core.worker.pinned import pinned_answer
from bithuman_core.worker.refused import Refused

logger = logging.getLogger(__name__)

AT_ONCE = 8
SECONDS = 10.0  # for one try, the answer's first line included
LEASE_SECONDS = 60.0
PAUSES = (10.0, 60.0, 600.0, 3600.0)  # s after a try that failed; then no more
AGENT = "bithuman-core-webhooks"
TOO_SLOW = f"It did not answer within {SECONDS:.0f} seconds."
AWAY = "It cannot be reached, or broke off."
LEADS_ON = "It leads on to another address ({status}), and is not followed: set the address where it ends."


@dataclass(frozen=True, slots=True)
class _Letter:
    """A delivery as it is sent."""

    id: str
    event: str
    url: str
    key: str
    body: bytes
    tries: int


class Sender:
    """now: Unix seconds. added: hosts and networks of its own that may be told. Blocks: use it in a thread.

    Raises ValueError for an entry that is no host or network.
    """

    def __init__(self, database: Database, metrics: Metrics, now: Callable[[], float], added: Iterable[str] = ()) -> None:
        self._database, self._metrics, self._now = database, metrics, now
        self._addresses = Addresses(added, "url")
        self._tls = httpx.create_ssl_context()

    def check(self, address: str) -> str:
        """An address that may be told of events. Raises ValueError; Refused where its host may not be reached now."""
        url = checked_url(address)
        asyncio.run(self._addresses.find(url.host, url.port or 443))
        return str(url)

    def step(self) -> int:
        """Send what is due; how many that were. Raises Unavailable."""
        letters = self._claim()
        if letters:
            outcomes = asyncio.run(self._send_all(letters))
            for letter, (status, fault) in zip(letters, outcomes, strict=True):
                self._settle(letter, status, fault)
        return len(letters)

    def _claim(self) -> list[_Letter]:
        now, letters = self._now(), list[_Letter]()
        due = Delivery.status.in_(("queued", "running")), Delivery.due <= now
        with self._database.reading() as session:
            waiting = list(session.scalars(select(Delivery.id).where(*due).order_by(Delivery.due).limit(AT_ONCE)))
        for number in waiting:
            with self._database.writing() as session:
                mine = update(Delivery).where(Delivery.id == number, *due)
                if not cast(Any, session.execute(mine.values(status="running", due=now + LEASE_SECONDS))).rowcount:
                    continue  # another process was faster
                row = session.get_one(Delivery, number)
                hook = session.get_one(Webhook, row.webhook_id)
                row.tries += 1
                body = json.dumps(row.content, separators=(",", ":")).encode()
                letters.append(_Letter(row.id, row.event, hook.url, hook.key, body, row.tries))
        return letters

    async def _send_all(self, letters: list[_Letter]) -> list[tuple[int | None, str | None]]:
        async with httpx.AsyncHTTPTransport(self._tls) as transport:
            return await asyncio.gather(*(self._send(transport, letter) for letter in letters))

    async def _send(self, transport: httpx.AsyncHTTPTransport, letter: _Letter) -> tuple[int | None, str | None]:
        """(HTTP status, what went wrong): nothing, where it was taken."""
        try:
            return await asyncio.wait_for(self._post(transport, letter), SECONDS)
        except (asyncio.TimeoutError, httpx.TimeoutException):
            return None, TOO_SLOW
        except Refused as error:
            return None, error.message
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return None, AWAY

    async def _post(self, transport: httpx.AsyncHTTPTransport, letter: _Letter) -> tuple[int | None, str | None]:
        signed = headers(letter.key, letter.event, letter.id, letter.body, self._now())
        sent = {**signed, "User-Agent": AGENT, "Connection": "close", "Content-Length": str(len(letter.body))}
        timeout = httpx.Timeout(SECONDS).as_dict()
        url = checked_url(letter.url)
        async with pinned_answer(transport, self._addresses, "POST", url, sent, letter.body, timeout=timeout) as answer:
            status = answer.status_code
        if 200 <= status < 300:
            return status, None
        return status, LEADS_ON.format(status=status) if 300 <= status < 400 else f"It answered {status}."

    def _settle(self, letter: _Letter, status: int | None, fault: str | None) -> None:
        now = self._now()
        values: dict[str, Any] = {"answer": status, "error": fault, "updated": now, "status": "done"}
        if fault is not None:
            again = letter.tries <= len(PAUSES)
            values |= {"status": "queued", "due": now + PAUSES[letter.tries - 1]} if again else {"status": "failed"}
        self._metrics.delivered(str(values["status"]))
        with self._database.writing() as session:
            session.execute(update(Delivery).where(Delivery.id == letter.id).values(**values))
