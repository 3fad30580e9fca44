"""What a fake server answers: bodies as OpenAI's API and vLLM give them, made from the request alone."""

import base64
import hashlib
import json
import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.fakeserver.faults import Fault
from tests.fakeserver.values import sentence, value

Reasoning = Literal["", "reasoning", "reasoning_content", "think", "unclosed"]


@dataclass
class Behaviour:
    """How a fake server is; tests change fields while it runs.

    Fields:
        models: what `/v1/models` lists; a chat with another model is answered with 404. Empty: any model goes.
        key: what requests must carry (`Authorization: Bearer` or `api-key`); empty: nothing is checked.
        latency: seconds before every answer to a chat or an embedding.
        reasoning: the field in which replies bring their reasoning, or think tags, or a think tag never closed.
        refuses: which of `json_schema`, `json_object`, `max_tokens`, `max_completion_tokens` are answered with 400.
        usage: whether tokens are counted.
        healthy: `/health` answers 200; otherwise 503, and chats too.
        hung: connections are accepted and nothing is ever answered.
        starting: so many requests are still answered with 503 (a slow start), `/health` included.
        dimensions: of embeddings.
    """

    models: tuple[str, ...] = ()
    key: str = ""
    latency: float = 0.0
    reasoning: Reasoning = ""
    refuses: frozenset[str] = frozenset()
    usage: bool = True
    healthy: bool = True
    hung: bool = False
    starting: int = 0
    dimensions: int = 16


def error(status: int, message: str, code: str = "") -> bytes:
    """Return an error's body in the form that OpenAI and vLLM share."""
    return json.dumps({"error": {"message": message, "type": "error", "param": None, "code": code or status}}).encode()


def refusal(body: Mapping[str, Any], behaviour: Behaviour) -> bytes | None:
    """Return the body of a 400 if the request asks for something that the server refuses."""
    form = body.get("response_format", {}).get("type", "text")
    if form in behaviour.refuses:
        return error(400, f"Invalid parameter: 'response_format' of type '{form}' is not supported with this model.")
    if "max_tokens" in body and "max_tokens" in behaviour.refuses:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return error(400, text, "unsupported_parameter")
    if "max_completion_tokens" in body and "max_completion_tokens" in behaviour.refuses:
        return error(400, "Unrecognized request argument supplied: max_completion_tokens")
    return None


def completion(body: Mapping[str, Any], behaviour: Behaviour, fault: Fault | None) -> bytes:
    """Return a chat completion: equal requests get equal replies, valid for the schema if one is given."""
    rng = random.Random(hashlib.blake2b(json.dumps(_deciding(body), sort_keys=True).encode(), digest_size=8).digest())
    kind = fault.kind if fault else ""
    schema = _schema(body)
    if kind == "reply" and fault:
        text = fault.message
    elif kind == "wrong_schema":
        text = json.dumps({"unexpected": sentence(rng, 3)})
    else:
        text = sentence(rng, 12) if schema is None else json.dumps(value(schema, rng))
    finish = "stop"
    if kind == "length":
        text, finish = text[: len(text) // 2], "length"
    thought = fault.reasoning if fault and fault.reasoning else sentence(rng, 6)
    message: dict[str, Any] = {"role": "assistant", "content": text}
    where = "reasoning" if fault and fault.reasoning else "" if kind == "reply" else behaviour.reasoning
    if where in {"reasoning", "reasoning_content"}:
        message[where] = thought
    elif where == "think":
        message["content"] = f"<think>\n{thought}\n</think>\n\n{text}"
    elif where == "unclosed":
        message["content"], finish = f"<think>\n{thought}", "length"
    reply: dict[str, Any] = {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
    }
    if behaviour.usage and kind != "no_usage":
        prompt, written = prompt_tokens(body), len(text.split())
        thinking = len(thought.split()) if where else 0
        reply["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": written + thinking,
            "total_tokens": prompt + written + thinking,
            "prompt_tokens_details": {"cached_tokens": prompt // 2},
            "completion_tokens_details": {"reasoning_tokens": thinking},
        }
    return json.dumps(reply).encode()


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """Count a prompt's tokens: its words."""
    return sum(str(message["content"]).count(" ") + 1 for message in body["messages"])


def embeddings(body: Mapping[str, Any], behaviour: Behaviour) -> bytes:
    """Return embeddings of unit length, equal for equal texts, as floats or in base64."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    data = []
    for index, text in enumerate(texts):
        rng = random.Random(hashlib.blake2b(str(text).encode(), digest_size=8).digest())
        vector = [rng.gauss(0, 1) for _ in range(behaviour.dimensions)]
        length = sum(x * x for x in vector) ** 0.5
        vector = [x / length for x in vector]
        coded: Any = vector
        if body.get("encoding_format") == "base64":
            coded = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": coded})
    usage = {"prompt_tokens": sum(len(str(text).split()) for text in texts)}
    usage["total_tokens"] = usage["prompt_tokens"]
    return json.dumps({"object": "list", "data": data, "model": body.get("model", ""), "usage": usage}).encode()


def models(behaviour: Behaviour) -> bytes:
    """Return the list of models."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "fake"} for name in behaviour.models]
    return json.dumps({"object": "list", "data": data}).encode()


def metrics(running: int, answered: int, prompt: int, generated: int) -> bytes:
    """Return metrics in Prometheus' text form under vLLM's names."""
    labels = '{engine="0",model_name="fake"}'
    lines = [
        f"vllm:num_requests_running{labels} {float(running)}",
        f"vllm:num_requests_waiting{labels} 0.0",
        f"vllm:kv_cache_usage_perc{labels} {min(1.0, running / 100)}",
        f"vllm:prompt_tokens_total{labels} {float(prompt)}",
        f"vllm:generation_tokens_total{labels} {float(generated)}",
        f"vllm:prefix_cache_queries_total{labels} {float(prompt)}",
        f"vllm:prefix_cache_hits_total{labels} {float(prompt // 2)}",
        f"vllm:num_preemptions_total{labels} 0.0",
        f'vllm:request_success_total{{engine="0",finished_reason="stop",model_name="fake"}} {float(answered)}',
        f'vllm:e2e_request_latency_seconds_bucket{{engine="0",le="+Inf",model_name="fake"}} {float(answered)}',
        f"vllm:e2e_request_latency_seconds_sum{labels} {answered * 0.05}",
        f"vllm:e2e_request_latency_seconds_count{labels} {float(answered)}",
        f"vllm:request_queue_time_seconds_sum{labels} 0.0",
        f"vllm:request_queue_time_seconds_count{labels} {float(answered)}",
    ]
    return ("\n".join(lines) + "\n").encode()


def _deciding(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {k: v for k, v in body.items() if k not in {"stream", "user", "max_tokens", "max_completion_tokens"}}


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of the reply: from response_format, or as a text in the last message (the fallback)."""
    form = body.get("response_format", {})
    if form.get("type") == "json_schema":
        return form["json_schema"]["schema"]  # type: ignore[no-any-return]
    text = str(body["messages"][-1]["content"])
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            found = None
        if isinstance(found, dict) and ("properties" in found or "$ref" in found):
            return found
        start = text.find("{", start + 1)
    return None
