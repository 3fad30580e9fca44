"""How a server is called: the `vllm` command, its arguments, its environment."""

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.engine.errors import UsageError
from workbench.workers.identity import MARKER
from workbench.workers.spec import WorkerSpec

_SECRETS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")
"""Nothing that a server of ours needs. Hugging Face's token it may need."""

_NOT_VLLMS = ("VLLM_COMMAND",)
"""Ours, though vLLM would warn of an unknown variable of its own."""


def find_command(option: str | None = None, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the words that start vLLM: the option, else VLLM_COMMAND, else `vllm` on the PATH.

    Raises:
        UsageError: there is none; the line says how to get one.
    """
    for source, text in (("--vllm", option), ("VLLM_COMMAND", environ.get("VLLM_COMMAND"))):
        if not text:
            continue
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"{source}: {error}: quote it as a shell would") from error
        if not words:
            continue
        found = shutil.which(str(Path(words[0]).expanduser()), path=environ.get("PATH"))
        if found is None:
            raise UsageError(
                f"{source}: there is no command {words[0]}: correct it, or unset it to use the PATH's vllm"
            )
        return (str(Path(found).absolute()), *words[1:])
    found = shutil.which("vllm", path=environ.get("PATH"))
    if found is None:
        raise UsageError(
            "no vllm command: install vLLM on a machine with a GPU (pip install '.[vllm]' in the project's folder) or "
            "set VLLM_COMMAND; hosted endpoints (--base-url) and the surrogate need none"
        )
    return (found,)


def check_model(spec: WorkerSpec) -> WorkerSpec:
    """Return the spec with an absolute path where its model is a folder; vLLM takes half a minute to miss one.

    Raises:
        UsageError: a path that does not exist or holds no model.
    """
    path = Path(spec.model).expanduser()
    if not path.exists():
        # `org/name` is Hugging Face's; anything else can only be a path.
        if path.is_absolute() or spec.model.startswith((".", "~")) or spec.model.count("/") != 1:
            raise UsageError(f"no model at {spec.model}: name a folder with a config.json, or org/name on Hugging Face")
        return spec
    if not (path / "config.json").is_file() and path.suffix != ".gguf":
        raise UsageError(f"{spec.model} holds no model: there is no config.json in it")
    return WorkerSpec.from_dict(spec.to_dict() | {"model": str(path.absolute())})


def arguments(spec: WorkerSpec, command: Sequence[str], port: int, utilization: float | None) -> list[str]:
    """Return the whole command line of one server; it holds no key.

    Args:
        utilization: share of its GPUs' memory; None without GPUs.
    """
    line = [*command, "serve", spec.model, "--served-model-name", spec.name, "--host", "127.0.0.1", "--port", str(port)]
    # Health is asked for every second: the log would hold little else.
    line += ["--disable-uvicorn-access-log", "--seed", str(spec.seed)]
    line += ["--enable-prompt-tokens-details"]  # or the ledger learns nothing of the prefix cache
    if spec.embedding:
        line += ["--runner", "pooling"]
    settings = {
        "--tensor-parallel-size": spec.tensor_parallel if spec.tensor_parallel > 1 else None,
        "--max-model-len": spec.max_model_len,
        "--gpu-memory-utilization": utilization,
        "--dtype": spec.dtype,
        "--reasoning-parser": spec.reasoning_parser,
    }
    for flag, value in settings.items():
        if value is not None:
            line += [flag, str(value)]
    return [*line, *spec.arguments]


def environment(
    marker: str, key: str, gpus: Sequence[int] | None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return a server's environment: the given one, with key, marker and GPUs, without what it must not know.

    Args:
        marker: proves later that the process is ours. key: what requests must carry.
        gpus: indices as NVML counts them; () hides every GPU.
    """
    env = {name: value for name, value in environ.items() if name not in (*_SECRETS, *_NOT_VLLMS)}
    env |= {
        MARKER: marker,
        "VLLM_API_KEY": key,
        # vLLM renames its engine processes, which would write over the marker in /proc/<pid>/environ.
        "SPT_NOENV": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # NVML's order, so that its indices mean the same
        "CUDA_VISIBLE_DEVICES": ",".join(map(str, gpus or ())),
        "PYTHONUNBUFFERED": "1",  # start-up phases are read from the log
    }
    for quiet in ("VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
        env.setdefault(quiet, "1")
    return env
