"""Addresses of services that speak OpenAI's API: voices, ears and brains, on this machine or elsewhere."""

from __future__ import annotations

import importlib
import importlib.util
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from bithuman_core.errors import AddressError

if TYPE_CHECKING:
    import openai

NO_KEY = "none"  # local servers want no key, and the client wants one


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is (``https://host/v1``), which of its models to use, and the key, which is never shown."""

    url: str
    model: str
    key: SecretStr | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AddressError(f"{self.url!r} is not an address: give one like http://127.0.0.1:11434/v1.")
        if parts.username or parts.password:
            raise AddressError("An address holds no key or password: set the key apart from it.")
        if importlib.util.find_spec("openai") is None:
            raise AddressError("Services at an address need the package openai: run pip install 'bithuman-core[talk]'.")
        importlib.import_module("openai")  # now: it takes a second, in which no picture would be drawn
        _trusted()

    @property
    def host(self) -> str:
        """As people are told it."""
        return urlsplit(self.url).hostname or self.url

    def client(self, seconds: float) -> openai.OpenAI:
        """A client, to be closed; ``seconds``: the longest silence of the service."""
        import openai

        return openai.OpenAI(**self._options(seconds), http_client=openai.DefaultHttpxClient(verify=_trusted()))

    def async_client(self, seconds: float) -> openai.AsyncOpenAI:
        """The same for an event loop, made within a millisecond."""
        import openai

        return openai.AsyncOpenAI(**self._options(seconds), http_client=openai.DefaultAsyncHttpxClient(verify=_trusted()))

    def _options(self, seconds: float) -> dict[str, Any]:
        key = self.key.get_secret_value() if self.key else NO_KEY
        return {"base_url": self.url, "api_key": key, "timeout": seconds, "max_retries": 1}


@lru_cache(1)
def _trusted() -> ssl.SSLContext:
    """Certificates, read once: that takes 30 ms."""
    import httpx

    return httpx.create_ssl_context()


def what_failed(error: openai.OpenAIError, address: Address, what: str) -> str:
    """One sentence for people, without the key and without what the service says of itself.

    what: "voice", "ears" or "brain".
    """
    import openai

    the = f"The {what} at {address.host}"
    match error:
        case openai.APITimeoutError():
            return f"{the} took too long to answer: try again, or choose a smaller model."
        case openai.APIConnectionError():
            return f"{the} cannot be reached: see whether the service runs."
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return f"{the} does not take the key that is set: its owner has to set another one."
        case openai.RateLimitError():
            return f"{the} is asked too much at the moment: wait a little, then try again."
        case openai.NotFoundError():
            return f"{the} does not know the model {address.model!r}: set the name of one that it has."
        case openai.APIStatusError(status_code=status):
            return f"{the} answered with an error ({status}): see its log."
    return f"{the} answered something that cannot be understood: see whether it speaks OpenAI's API."
