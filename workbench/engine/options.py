"""What a user may set about a run: every flag of `workbench run`, and every key of an experiment's TOML file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from planner.evaluations import parse_evaluations
from planner.rules import RULES
from simulator.agent import Abstention
from simulator.client.types import Role
from simulator.domains import spell_domains
from simulator.embed import EMBEDDERS
from simulator.world import Persona
from workbench.arms import ARMS as ARMS
from workbench.arms import FAMILIES, read_arms
from workbench.engine.errors import UsageError

Seed = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
"""Any whole number that the database can hold."""


class EndpointOptions(BaseModel):
    """A server that speaks OpenAI's chat API, in the TOML file: `[endpoints.NAME]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(description="up to /v1; for azure the resource's address")
    kind: Literal["openai", "azure"] = "openai"
    key_env: str = Field("", description="environment variable that holds the key; empty = no key")
    api_version: str = ""
    models: dict[str, str] = Field({}, description="names used here -> names the server uses; empty = any")
    max_in_flight: int = Field(64, ge=1, le=10_000)
    timeout: float = Field(120.0, gt=0, description="seconds for one try")


class RoleOptions(BaseModel):
    """How one role speaks, in the TOML file: `[roles.judge]` and the like. What is left out keeps its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = Field(None, description="planner and user only: a model of their own")
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)


class PriceOptions(BaseModel):
    """What a model costs per million tokens, in the TOML file: `[prices."gpt-4o"]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached: float | None = Field(None, ge=0)


SERVED = "served:"
"""Stands before the name of a model that embeds at one of the endpoints."""

TABLES = ("endpoints", "roles", "prices")
"""Options that are tables of the TOML file; they have no flag."""


class RunOptions(BaseModel):
    """The options of a run, with their defaults. A flag `--index-size` is the key `index_size` (or `index-size`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Which scenarios
    synthetic: int | None = Field(None, ge=1, description="build this many synthetic scenarios and use those")
    source: str | None = Field(None, description="only stored scenarios from this source, e.g. bundled or synthetic")
    domains: tuple[str, ...] = Field((), description="only these domains; empty = all")
    scenarios: tuple[str, ...] = Field((), description="only the scenarios with these ids (or beginnings of ids)")
    limit: int | None = Field(None, ge=1, description="a seeded choice of this many, spread over the domains")

    # Who answers
    world: str = Field("surrogate", description="where the scenarios are lived")
    models: tuple[str, ...] = Field((), description="answering models; empty = the world's first, all = every one")
    judges: tuple[str, ...] = Field((), description="judges, a row each; empty = the world's first")
    repeats: int = Field(1, ge=1, le=100, description="judgements per judge and response; their mean counts")

    # What is compared
    arms: Annotated[tuple[str, ...], AfterValidator(read_arms)] = Field(
        ("vanilla", "agent", "planner", "full"), description=f"of {', '.join((*ARMS, *FAMILIES))}"
    )
    k: int = Field(3, ge=1, le=10, description="attributes that the arms static, random, oracle and path are given")

    # What is worth asking: the offline planner
    planner: Literal["search", "static", "random", "greedy", "exhaustive"] = Field(
        "search", description="what plans the paths"
    )
    rule: str = Field("raise", description="selection rule of the tree search: raise or raise-literal")
    rollouts: int = Field(300, ge=1, le=1_000_000, description="rollouts per search (T)")
    depth: int = Field(5, ge=1, le=16, description="attributes per path")
    c: float = Field(0.5, ge=0, allow_inf_nan=False, description="weight of the exploration term")
    decay: float = Field(0.3, ge=0, allow_inf_nan=False, description="prior of rank r is proportional to exp(-decay r)")
    recommend: Literal["q", "visits"] = Field("q", description="return the best or the most visited subset")
    evaluations: str = Field("", description="fresh or cache:r; empty = cache:3 where the world is noisy, else cache:1")
    search_judge: str = Field("", description="who judges during searches; empty = the first judge")

    # The library of planned paths
    index: str | None = Field(None, description="use the paths of this run, imported library or planner index file")
    index_size: int | None = Field(None, ge=1, description="plan for a seeded choice of this many profiles only")
    leaky_index: bool = Field(False, description="let a query retrieve its own path, as in the paper; marks every row")
    embedder: str = Field(
        "lexical", description="what finds similar queries: lexical, all-MiniLM-L6-v2, or served:MODEL at an endpoint"
    )

    # The online agent and the simulated user
    neighbours: int = Field(5, ge=1, le=100, description="planned paths shown to the agent")
    retrieval: Literal["few-shot", "follow"] = Field("few-shot", description="paths as examples, or the best followed")
    abstention: Abstention = Field(
        "scale", description="how the agent decides that it knows enough: scale (0-5), binary (yes or no), or basic"
    )
    threshold: int = Field(4, ge=0, le=5, description="completeness that is enough, on the scale")
    max_questions: int = Field(10, ge=0, le=10, description="questions at most")
    persona: Persona = Field("cooperative", description="how the simulated user answers")
    crisis: Literal["on", "off"] = Field("on", description="immediate danger in a query skips the questions")

    # Language models (world = "model"); none of the endpoints is part of a run's identity
    base_url: str | None = Field(None, description="where the models are served, up to /v1; else OPENAI_BASE_URL")
    key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the endpoint's key")
    max_in_flight: int = Field(64, ge=1, le=10_000, description="calls in flight at most, per endpoint")
    timeout: float = Field(120.0, gt=0, description="seconds for one try of a call")
    structured: Literal["auto", "json_schema", "fallback"] = Field(
        "auto", description="how structured replies are asked for; fallback: in words, parsed strictly"
    )
    workers: int | None = Field(None, ge=1, le=64, description="start this many vLLM workers for the run's length")
    gpus: str = Field("", description="GPUs for the workers, e.g. 0,1; empty = all")
    tensor_parallel: int = Field(1, ge=1, le=64, description="GPUs per worker")
    vllm: str = Field("", description="the vllm command for workers; empty = VLLM_COMMAND, else the PATH's")
    vllm_args: tuple[str, ...] = Field((), description="more arguments for `vllm serve`")
    endpoints: dict[str, EndpointOptions] = Field({}, description="endpoints by name")
    reasoning_tokens: int = Field(0, ge=0, description="tokens added to every limit, for models that think first")
    system_messages: bool = Field(True, description="false for models whose chat template has no system role")
    roles: dict[Role | Literal["responses"], RoleOptions] = Field({}, description="how each role speaks")
    prices: dict[str, PriceOptions] = Field({}, description="what models cost")

    concurrency: int | None = Field(None, ge=1, le=10_000, description="units at once; empty = 64 for models, else 8")

    # What a run may take; no part of its identity
    max_calls: int | None = Field(None, ge=1, description="calls to language models in all; the cache's are free")
    max_cost: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="cost in all, in the currency of [prices]; needs every model's"
    )

    # Chance
    seed: Seed = Field(0, description="sets every seed")
    build_seed: Seed | None = Field(None, description="seed of built scenarios; empty = seed")
    world_seed: Seed | None = Field(None, description="seed of the world's noise and personas; empty = seed")

    @field_validator("domains")
    @classmethod
    def _known_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return spell_domains(domains)

    @field_validator("embedder")
    @classmethod
    def _known_embedder(cls, embedder: str) -> str:
        if embedder not in EMBEDDERS and not embedder.removeprefix(SERVED).strip() != embedder.strip():
            raise ValueError(f"there is no embedder {embedder!r}: there are {', '.join(EMBEDDERS)}, {SERVED}MODEL")
        return embedder

    @field_validator("rule")
    @classmethod
    def _known_rule(cls, rule: str) -> str:
        if rule not in RULES:
            raise ValueError(f"there is no rule {rule!r}: there are {', '.join(RULES)}")
        return rule

    @field_validator("evaluations")
    @classmethod
    def _readable_evaluations(cls, evaluations: str) -> str:
        return str(parse_evaluations(evaluations)) if evaluations else ""


def read_options(path: Path | None, flags: Mapping[str, Any]) -> RunOptions:
    """Merge an experiment's TOML file with flags; a flag wins, a flag that is None was not given.

    Raises:
        UsageError: the file can't be read, isn't TOML, or something in it or in the flags is not allowed.
    """
    values = {} if path is None else {key.replace("-", "_"): value for key, value in read_toml(path).items()}
    given = {key: value for key, value in flags.items() if value is not None}
    return validate_options(values, given, None if path is None else str(path))


def validate_options(values: Mapping[str, Any], given: Mapping[str, Any], source: str | None) -> RunOptions:
    """Check the values of options.

    Args:
        values: from a file or preset; given: from flags, which win.
        source: what the error names as the place of `values`; None = there is none.

    Raises:
        UsageError: something is not allowed.
    """
    try:
        return RunOptions.model_validate({**values, **given})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "options"
        where = f"--{name.replace('_', '-')}" if name in given or source is None else f"{source}: {name}"
        if first["type"] == "extra_forbidden":
            raise UsageError(f"{where}: there is no such option; `workbench config schema` lists them") from error
        message = first["msg"].removeprefix("Value error, ")
        value = first.get("input")
        said = first["type"] == "value_error"  # our own checks name the value themselves
        shown = f" ({value!r})" if isinstance(value, (str, int, float)) and not said else ""
        raise UsageError(f"{where}: {message[0].lower()}{message[1:]}{shown}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read an experiment's TOML file.

    Raises:
        UsageError: it can't be read, or isn't TOML.
    """
    try:
        return parse_toml(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}: name an experiment's TOML file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from error


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Read a text as TOML.

    Raises:
        UsageError: it is not; `source` names the place.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: not TOML: {error}") from error
