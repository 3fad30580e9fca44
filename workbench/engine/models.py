"""Language models from the options of a run: names, how roles speak, and where they are served."""

import os
from collections.abc import Mapping

from simulator.client.types import ROLES, Endpoint, Role, Sampling
from simulator.model.settings import DEFAULT_ROLES, RESPONSES, ModelSettings, RoleSettings
from workbench.engine.errors import UsageError
from workbench.engine.options import EndpointOptions, RoleOptions, RunOptions

_HOSTED = "https://api.openai.com/v1"


def model_settings(options: RunOptions) -> ModelSettings:
    """Return the models, judges and roles of a run; a model judges itself where no judge is named.

    Raises:
        UsageError: no model is named, or a role that has no model of its own is given one.
    """
    if not options.models:
        raise UsageError("--world model: name the answering model with --model NAME")
    if "all" in (*options.models, *options.judges):
        raise UsageError("--world model: name the models one by one; `all` is for the surrogate")
    try:
        return ModelSettings(
            models=options.models,
            judges=options.judges or options.models[:1],
            responses=_sampling(RESPONSES, options.roles.get("responses")),
            roles={role: _role(role, options) for role in ROLES},
            structured=options.structured,
            reasoning_tokens=options.reasoning_tokens,
            system_messages=options.system_messages,
            abstention=options.abstention,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def endpoints(options: RunOptions, environment: Mapping[str, str] = os.environ) -> list[Endpoint]:
    """Return the endpoints of a run: those of the TOML file, then the one of `--base-url`.

    Keys come from the environment and stay in memory.

    Raises:
        UsageError: an environment variable that should hold a key is empty.
    """
    found = [_endpoint(name, endpoint, environment) for name, endpoint in options.endpoints.items()]
    base_url = options.base_url or (None if found else environment.get("OPENAI_BASE_URL") or _HOSTED)
    if base_url is not None:
        key = environment.get(options.key_env, "")
        if not key and base_url.startswith("https://"):
            raise UsageError(
                f"{base_url} needs a key: set {options.key_env}, name another variable with --key-env, "
                "or name another server with --base-url"
            )
        found.append(
            Endpoint("default", base_url, key=key, max_in_flight=options.max_in_flight, timeout=options.timeout)
        )
    return found


def _role(role: Role, options: RunOptions) -> RoleSettings:
    default, given = DEFAULT_ROLES[role], options.roles.get(role)
    if given is not None and given.model is not None and role not in ("planner", "user"):
        raise UsageError(f"roles.{role}: its model comes from {'--model' if role == 'agent' else '--judges'}")
    return RoleSettings(given.model if given else None, _sampling(default.sampling, given))


def _sampling(default: Sampling, given: RoleOptions | None) -> Sampling:
    if given is None:
        return default
    return Sampling(
        default.temperature if given.temperature is None else given.temperature,
        default.top_p if given.top_p is None else given.top_p,
        default.max_tokens if given.max_tokens is None else given.max_tokens,
    )


def _endpoint(name: str, options: EndpointOptions, environment: Mapping[str, str]) -> Endpoint:
    key = environment.get(options.key_env, "") if options.key_env else ""
    if options.key_env and not key:
        raise UsageError(f"endpoints.{name}: the environment variable {options.key_env} holds no key")
    return Endpoint(
        name=name,
        base_url=options.base_url,
        kind=options.kind,
        key=key,
        models=options.models,
        max_in_flight=options.max_in_flight,
        timeout=options.timeout,
        api_version=options.api_version,
    )
