"""What a worker shall be: model, GPUs and settings, in a form that goes through JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from workbench.engine.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


@dataclass(frozen=True)
class WorkerSpec:
    """Equal workers of one model.

    Fields:
        name: what requests call the model; letters, digits and `._/-`.
        model: a folder, or a name on Hugging Face, which vLLM downloads.
        replicas: servers to start, at least 1.
        gpus: indices that they may use, `tensor_parallel` each; None: any that have room; (): none, for a CPU build.
        max_model_len: tokens of prompt and reply; None: as the model's configuration says.
        memory_utilization: share of each of its GPUs that a server takes, 0-1; None: chosen by the placement.
        memory: GiB that a server needs at least (over all its GPUs); None: unknown, so it gets GPUs of its own.
        dtype, reasoning_parser: in vLLM's words; None: its defaults.
        embedding: serves embeddings, not chat.
        seed: of the engine.
        arguments: passed on to `vllm serve` as they are.

    Raises:
        UsageError: a field is out of its range.
    """

    name: str
    model: str
    replicas: int = 1
    gpus: tuple[int, ...] | None = None
    tensor_parallel: int = 1
    max_model_len: int | None = None
    memory_utilization: float | None = None
    memory: float | None = None
    dtype: str | None = None
    reasoning_parser: str | None = None
    embedding: bool = False
    seed: int = 0
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"worker name {self.name!r}: use letters, digits and ._/- (--name)")
        if not self.model or self.model.startswith("-"):
            raise UsageError(f"model {self.model!r}: name a folder or a model on Hugging Face")
        for field, least in (("replicas", 1), ("tensor_parallel", 1), ("max_model_len", 1)):
            value = getattr(self, field)
            if value is not None and value < least:
                raise UsageError(f"worker {self.name}: {field.replace('_', ' ')} is {value}, must be at least {least}")
        if self.memory_utilization is not None and not 0 < self.memory_utilization <= 1:
            raise UsageError(f"worker {self.name}: GPU memory utilization {self.memory_utilization} is not in (0, 1]")
        if self.gpus is not None and len(set(self.gpus)) != len(self.gpus):
            raise UsageError(f"worker {self.name}: a GPU is named twice in {','.join(map(str, self.gpus))}")

    def serves(self, model: str) -> bool:
        """Tell whether this is the model meant: by the name given here, the published one, or the same folder."""
        return model in (self.name, self.model) or Path(model).expanduser().absolute() == Path(self.model).absolute()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: str) -> "WorkerSpec":
        """Return the spec that stands in a text, as the database keeps it."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "WorkerSpec":
        """Return the spec that `to_dict` gave.

        Raises:
            UsageError: an unknown field, or one out of its range.
        """
        unknown = set(data) - {field.name for field in fields(cls)}
        if unknown:
            raise UsageError(f"worker: unknown fields {', '.join(sorted(unknown))}")
        given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**given)


def parse_gpus(text: str | None) -> tuple[int, ...] | None:
    """Read what `--gpus` says: indices with commas, `none` for a CPU build, nothing for any that have room.

    Raises:
        UsageError: it is something else.
    """
    if text is None:
        return None
    if text.strip().casefold() == "none":
        return ()
    try:
        found = tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UsageError(f"--gpus {text}: give indices such as 0,1, or none") from None
    if min(found) < 0:
        raise UsageError(f"--gpus {text}: an index is at least 0")
    return found
