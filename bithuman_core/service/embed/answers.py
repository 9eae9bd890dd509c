"""What answers those who talk with an avatar on another site's page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bithuman_core.conversation import Act, Line, Role, brain
from bithuman_core.demo.conversation import Answering, answering


class Speechless:
    """A brain that has no answers: the avatar says what the API has it say."""

    async def answer(self, talk: Sequence[Line], role: Role) -> AsyncIterator[str | Act]:
        """Nothing."""
        return
        yield


def embed_answers() -> Answering:
    """The brain and ears that the environment sets; Speechless where it sets no brain. Takes a second. Raises AddressError."""
    return answering() if brain() is not None else Answering(Speechless(), None, None)
