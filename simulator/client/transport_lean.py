"""The lean transport on aiohttp, for servers near by: a tenth of what openai's client costs per call."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from simulator.client.failures import TryError
from simulator.client.types import Endpoint
from simulator.client.wire import Reply

CONNECT = 10.0
"""Seconds for a connection to be made."""

_KEEP = 3.0
"""Seconds that an idle connection is kept: less than servers keep theirs (vLLM 5), or calls would hit closed ones."""


def open_session() -> aiohttp.ClientSession:
    """Return a session for all lean transports of a client, to be closed by the caller; needs a running loop."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept"),
    )


class LeanTransport:
    """See `Transport`."""

    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession) -> None:
        self._session = session
        base = endpoint.base_url.rstrip("/")
        self._url = URL(f"{base}/chat/completions")
        self._health = URL(endpoint.health_url or f"{base}/models")
        self._headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        self._post_headers = {**self._headers, "Content-Type": "application/json"}

    async def send(self, body: Mapping[str, Any]) -> Reply:
        """See `Transport.send`."""
        data = json.dumps(body).encode()
        try:
            async with self._session.post(
                self._url, data=data, headers=self._post_headers, allow_redirects=False
            ) as answer:
                content = await answer.read()
                headers = {} if answer.status == 200 else {name.lower(): text for name, text in answer.headers.items()}
                return Reply(answer.status, headers, content)
        except (aiohttp.ClientError, OSError) as error:
            message = _told(error)
        raise TryError("connection", message)

    async def health(self) -> int:
        """See `Transport.health`."""
        try:
            async with self._session.get(self._health, headers=self._headers, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, OSError) as error:
            message = _told(error)
        raise TryError("connection", message)


def _told(error: Exception) -> str:
    match error:
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection"
        case aiohttp.ClientPayloadError():
            return "the body of the reply was cut off"
        case aiohttp.ConnectionTimeoutError():
            return f"no connection within {CONNECT:g} s"
        case aiohttp.ClientConnectorError():
            return f"no connection: {error.os_error.strerror or error.os_error}"
        case _:
            return f"the connection failed: {error or type(error).__name__}"
