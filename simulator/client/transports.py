"""Which transport an endpoint gets, and what transports share: one pool of connections for each kind."""

from typing import TYPE_CHECKING, Literal

import aiohttp

from simulator.client.transport_lean import LeanTransport, open_session
from simulator.client.types import Endpoint
from simulator.client.wire import Transport

if TYPE_CHECKING:
    from simulator.client.transport_openai import HttpClient

Choice = Literal["auto", "lean", "openai"]
"""`auto`: openai's package for https and Azure, the lean one for plain http."""


class Transports:
    """Opens transports, and closes what they hold."""

    def __init__(self, choice: Choice = "auto") -> None:
        """Open nothing yet."""
        self._choice = choice
        self._session: aiohttp.ClientSession | None = None
        self._http: HttpClient | None = None

    def open(self, endpoint: Endpoint) -> Transport:
        """Return the transport to an endpoint; needs a running event loop."""
        hosted = endpoint.kind == "azure" or endpoint.base_url.startswith("https:")
        if self._choice == "openai" or (self._choice == "auto" and hosted):
            from simulator.client.transport_openai import OpenAITransport, open_http

            self._http = self._http or open_http()
            return OpenAITransport(endpoint, self._http)
        self._session = self._session or open_session()
        return LeanTransport(endpoint, self._session)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
        if self._http is not None:
            await self._http.aclose()
        self._session = self._http = None
