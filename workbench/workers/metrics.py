"""Figures of a server: vLLM's Prometheus metrics, and rates from the differences of its counters."""

import re
from dataclasses import dataclass

_LINE = re.compile(r"(vllm:\w+)(?:\{[^}]*\})?\s+(\S+)")


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a server says of itself at one moment.

    Fields:
        running, waiting: requests. cache: share of the key-value cache in use, 0-1.
        prompt_tokens, generated_tokens, prefix_queries, prefix_hits (tokens too), preemptions: since its start.
    """

    running: int = 0
    waiting: int = 0
    cache: float = 0.0
    prompt_tokens: float = 0.0
    generated_tokens: float = 0.0
    prefix_queries: float = 0.0
    prefix_hits: float = 0.0
    preemptions: float = 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What a server did between two moments.

    Fields:
        prompt_tokens, generated_tokens: per second.
        prefix_hits: share of the prompts' tokens that the prefix cache held; None where nothing was asked.
    """

    prompt_tokens: float
    generated_tokens: float
    prefix_hits: float | None


def parse_metrics(text: str) -> Metrics:
    """Read `/metrics`. Engines of one server are added up, but for the cache, of which the fullest counts."""
    sums: dict[str, float] = {}
    fullest: dict[str, float] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        try:
            value = float(match[2])
        except ValueError:
            continue
        if value != value or value in (float("inf"), float("-inf")):
            continue
        name = match[1].removeprefix("vllm:")
        sums[name] = sums.get(name, 0.0) + value
        fullest[name] = max(fullest.get(name, 0.0), value)
    return Metrics(
        running=int(sums.get("num_requests_running", 0)),
        waiting=int(sums.get("num_requests_waiting", 0)),
        cache=fullest.get("kv_cache_usage_perc", fullest.get("gpu_cache_usage_perc", 0.0)),
        prompt_tokens=sums.get("prompt_tokens_total", 0.0),
        generated_tokens=sums.get("generation_tokens_total", 0.0),
        prefix_queries=sums.get("prefix_cache_queries_total", 0.0),
        prefix_hits=sums.get("prefix_cache_hits_total", 0.0),
        preemptions=sums.get("num_preemptions_total", 0.0),
    )


def rates(before: Metrics, after: Metrics, seconds: float) -> Rates | None:
    """Return what was done between two readings, or None where there is no telling (a counter fell: a new server)."""
    asked = after.prefix_queries - before.prefix_queries
    prompt = after.prompt_tokens - before.prompt_tokens
    generated = after.generated_tokens - before.generated_tokens
    hits = after.prefix_hits - before.prefix_hits
    if seconds <= 0 or min(asked, prompt, generated, hits) < 0:
        return None
    return Rates(prompt / seconds, generated / seconds, min(1.0, hits / asked) if asked else None)
