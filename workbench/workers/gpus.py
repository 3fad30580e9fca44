"""What GPUs there are, by nvidia-ml-py; a machine without any is a machine with none, not an error."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU at one moment.

    Fields:
        index: as NVML counts, in the order of the PCI bus.
        total, free: memory in GiB; free counts everybody's use.
        use: share of the last moment in which it computed, 0-1; None where it does not say.
    """

    index: int
    name: str
    uuid: str
    total: float
    free: float
    use: float | None = None


def read_gpus(environ: Mapping[str, str] = os.environ) -> tuple[Gpu, ...]:
    """Return the GPUs that this process may use, or none where there is no driver, library or GPU."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        found = [_read(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return ()
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()
    return visible(found, environ.get("CUDA_VISIBLE_DEVICES"))


def visible(gpus: Sequence[Gpu], allowed: str | None) -> tuple[Gpu, ...]:
    """Return those that CUDA_VISIBLE_DEVICES allows (indices, or beginnings of UUIDs); unset allows all.

    As CUDA does, it stops at the first entry that names none.
    """
    if allowed is None:
        return tuple(gpus)
    found: list[Gpu] = []
    for entry in (word.strip() for word in allowed.split(",")):
        named = [g for g in gpus if entry == str(g.index) or (entry[:3] == "GPU" and g.uuid.startswith(entry))]
        if len(named) != 1 or named[0] in found:
            break
        found += named
    return tuple(found)


def _read(index: int) -> Gpu:
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    try:
        use: float | None = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    except pynvml.NVMLError:  # MIG does not say
        use = None
    name, uuid = (
        text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        for text in (pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetUUID(handle))
    )
    return Gpu(index, name, uuid, memory.total / GIB, memory.free / GIB, use)
