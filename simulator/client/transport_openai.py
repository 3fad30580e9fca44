"""The transport through openai's package, for hosted endpoints and Azure. Importing it takes most of a second."""

from collections.abc import Mapping
from typing import Any

import openai

from simulator.client.failures import TryError
from simulator.client.transport_lean import CONNECT
from simulator.client.types import Endpoint
from simulator.client.wire import Reply

HttpClient = openai.DefaultAsyncHttpxClient


def open_http() -> HttpClient:
    """Return an HTTP client for all transports of a client, to be closed by the caller."""
    return HttpClient(timeout=openai.Timeout(None, connect=CONNECT), follow_redirects=False)


class OpenAITransport:
    """See `Transport`. Retries and time limits of the package are off: ours rule."""

    def __init__(self, endpoint: Endpoint, http: HttpClient) -> None:
        # An empty key would be taken from the environment, whoever it belongs to.
        common: dict[str, Any] = {"api_key": endpoint.key or "none", "max_retries": 0, "http_client": http}
        common["timeout"] = http.timeout
        self._client: openai.AsyncOpenAI
        if endpoint.kind == "azure":
            self._client = openai.AsyncAzureOpenAI(
                azure_endpoint=endpoint.base_url, api_version=endpoint.api_version or None, **common
            )
        else:
            self._client = openai.AsyncOpenAI(base_url=endpoint.base_url, **common)
        self._health = endpoint.health_url or "/models"

    async def send(self, body: Mapping[str, Any]) -> Reply:
        """See `Transport.send`."""
        create: Any = self._client.chat.completions.with_raw_response.create
        try:
            answer = (await create(**body)).http_response
        except openai.APIStatusError as error:
            answer = error.response
        except openai.APITimeoutError:
            answer, message = None, f"no connection within {CONNECT:g} s"
        except openai.APIConnectionError as error:
            cause = error.__cause__
            answer, message = None, f"the connection failed: {cause or error}"
        if answer is None:
            raise TryError("connection", message)
        return Reply(answer.status_code, answer.headers, answer.content)

    async def health(self) -> int:
        """See `Transport.health`."""
        try:
            await self._client.get(self._health, cast_to=str)
            return 200
        except openai.APIStatusError as error:
            return error.status_code
        except openai.APIConnectionError as error:
            message = f"the connection failed: {error.__cause__ or error}"
        raise TryError("connection", message)
