"""Orders in the database: with them comes a room's token, which nobody reads who has the database alone for a moment.

The key stands in the same database, as those do that sign tokens: a copy of one row, or of a log, opens nothing.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken

from bithuman_core.service.data.database import Database
from bithuman_core.service.data.keys import installation_key
from bithuman_core.service.errors import Invalid
from bithuman_core.worker.order import Order

KEY_NAME = "orders"
NOT_OURS = "The order of this room cannot be read any more: launch the avatar again."


class Seal:
    """Of one installation. Blocks: make it in a thread."""

    def __init__(self, database: Database) -> None:
        self._fernet = Fernet(urlsafe_b64encode(bytes.fromhex(installation_key(database, KEY_NAME))))

    def close(self, order: Order) -> str:
        """An order as text."""
        told = {**order.model_dump(mode="json", exclude_defaults=True), "livekit_token": order.livekit_token.get_secret_value()}
        return self._fernet.encrypt(json.dumps(told).encode()).decode()

    def open(self, text: str) -> Order:
        """The order. Raises Invalid."""
        try:
            return Order.model_validate_json(self._fernet.decrypt(text.encode()))
        except (InvalidToken, ValueError) as error:
            raise Invalid(NOT_OURS) from error
