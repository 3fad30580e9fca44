"""Asks servers on this machine how they are."""

from typing import Any, Literal, Self

import aiohttp

from workbench.workers.metrics import Metrics, parse_metrics

Health = Literal["ok", "ill", "gone", "silent"]
"""200; any other answer (vLLM says 503 when its engine is dead); nobody listens; no answer, or none in time."""

_METRICS_BYTES = 4 << 20


class Probe:
    """An HTTP client for health, models and metrics; use as an async context."""

    def __init__(self, timeout: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def __aenter__(self) -> Self:
        """Open the client."""
        # A new connection each time: one that is kept would hang on a dead server.
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, connector=aiohttp.TCPConnector(force_close=True), trust_env=False
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close the client."""
        await self._session.close()

    async def health(self, port: int) -> Health:
        """Ask a server whether it lives."""
        try:
            async with self._session.get(_url(port, "/health")) as answer:
                return "ok" if answer.status == 200 else "ill"
        except aiohttp.ClientConnectorError:
            return "gone"
        except (TimeoutError, aiohttp.ClientError):
            return "silent"

    async def serves(self, port: int, key: str, name: str) -> bool:
        """Tell whether the server takes our key and serves our model: another's on the same port would not."""
        try:
            headers = {"Authorization": f"Bearer {key}"}
            async with self._session.get(_url(port, "/v1/models"), headers=headers) as answer:
                listed: Any = await answer.json(content_type=None) if answer.status == 200 else {}
            return any(model.get("id") == name for model in listed.get("data", []))
        except (TimeoutError, aiohttp.ClientError, ValueError, AttributeError, TypeError):
            return False

    async def metrics(self, port: int) -> Metrics | None:
        """Read a server's metrics, or None where it gives none."""
        try:
            async with self._session.get(_url(port, "/metrics")) as answer:
                if answer.status != 200:
                    return None
                text = await answer.content.read(_METRICS_BYTES)
                while len(text) < _METRICS_BYTES and (more := await answer.content.read(_METRICS_BYTES)):
                    text += more
            return parse_metrics(text.decode("utf-8", "replace"))
        except (TimeoutError, aiohttp.ClientError):
            return None


def _url(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}{path}"
