"""Which server goes on which GPUs, and how much of their memory it takes. Pure: GPUs and specs in, places out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.engine.errors import UsageError
from workbench.workers.gpus import Gpu
from workbench.workers.spec import WorkerSpec

MOST = 0.9
"""Share of a GPU that servers get together: CUDA graphs and the driver need the rest."""

SLACK = 0.02
"""Share that is left beside what others use already, as that may grow a little."""

LEAST = 0.3
"""A server of unknown need gets a GPU that has at least this share left."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server goes.

    Fields:
        gpus: indices, ascending; empty: it runs on the CPU.
        utilization: share of each of these GPUs' memory that it takes, 0-1; None on the CPU.
    """

    gpus: tuple[int, ...] = ()
    utilization: float | None = None


@dataclass
class _Space:
    """A GPU while it is being given away, in shares of its memory.

    Fields:
        free: what nobody used before. taken: what servers got here, `growing` of it by those that can use more.
        closed: a server has it to itself.
    """

    gpu: Gpu
    free: float
    taken: float = 0.0
    growing: float = 0.0
    closed: bool = False

    @property
    def left(self) -> float:
        return 0.0 if self.closed else min(MOST, self.free - SLACK) - self.taken


def place(specs: Sequence[WorkerSpec], gpus: Sequence[Gpu]) -> list[list[Place]]:
    """Find room for every replica: the biggest first, each on the GPUs that have most left.

    A server whose need is known gets a share of what stays free, up to `MOST`, so that its cache is as big as it can
    be; one whose need is unknown gets GPUs that nobody else of these uses; a given utilization is taken as it is.

    Returns:
        Places per spec, one per replica.

    Raises:
        UsageError: there is no room, or there are no GPUs; the line says what would help.
    """
    spaces = {gpu.index: _Space(gpu, gpu.free / gpu.total) for gpu in gpus}
    order = sorted(
        ((i, spec) for i, spec in enumerate(specs) for _ in range(spec.replicas)),
        key=lambda item: (item[1].gpus is None, -item[1].tensor_parallel, -_weight(item[1])),
    )
    chosen: list[tuple[int, WorkerSpec, list[_Space], float]] = []
    for i, spec in order:
        own = [] if spec.gpus == () else _choose(spec, spaces)
        chosen.append((i, spec, own, _take(spec, own)))
    places: list[list[Place]] = [[] for _ in specs]
    for i, spec, own, share in chosen:
        places[i].append(_place(spec, own, share))
    return places


def _choose(spec: WorkerSpec, spaces: dict[int, _Space]) -> list[_Space]:
    if not spaces:
        raise UsageError(
            f"no NVIDIA GPU for worker {spec.name}: a CPU build of vLLM runs with --gpus none; without either, use a "
            "hosted endpoint (--base-url) or the surrogate"
        )
    missing = [index for index in spec.gpus or () if index not in spaces]
    if missing:
        raise UsageError(
            f"worker {spec.name}: no GPU {missing[0]}: there are {', '.join(map(str, sorted(spaces)))} (--gpus)"
        )
    allowed = [spaces[index] for index in (spec.gpus or sorted(spaces))]
    fits = sorted((s for s in allowed if _fits(spec, s)), key=lambda s: (-s.left * s.gpu.total, s.gpu.index))
    own = sorted(fits[: spec.tensor_parallel], key=lambda s: s.gpu.index)
    # vLLM takes the same share of each of its GPUs, which must be there on the one that has least.
    share = max((_demand(spec, space) for space in own), default=0.0)
    if len(own) < spec.tensor_parallel or not all(_fits(spec, space, share) for space in own):
        room = ", ".join(f"GPU {s.gpu.index} {max(0.0, s.left * s.gpu.total):.0f}/{s.gpu.total:.0f}" for s in allowed)
        raise UsageError(
            f"no room for worker {spec.name}: it needs {_wanted(spec)}, left are (GiB) {room}: use fewer replicas, "
            "other --gpus, more --tensor-parallel, or a smaller --gpu-memory-utilization"
        )
    return own


def _take(spec: WorkerSpec, own: Sequence[_Space]) -> float:
    """Book a server's GPUs; return the share that it takes of each."""
    if not own:
        return 0.0
    unknown = _weight(spec) == math.inf
    share = min(s.left for s in own) if unknown else max(_demand(spec, s) for s in own)
    for space in own:
        space.taken += share
        space.growing += share if _grows(spec) else 0.0
        space.closed |= unknown
    return share


def _place(spec: WorkerSpec, own: Sequence[_Space], share: float) -> Place:
    if not own:
        return Place()
    if _grows(spec):
        # What nobody asked for is divided in proportion.
        share = min(share * max(1.0, 1 + space.left / space.growing) for space in own)
    return Place(tuple(space.gpu.index for space in own), math.floor(100 * share + 1e-6) / 100)


def _grows(spec: WorkerSpec) -> bool:
    return spec.memory_utilization is None and not spec.embedding


def _fits(spec: WorkerSpec, space: _Space, share: float | None = None) -> bool:
    wanted = _demand(spec, space) if share is None else share
    if spec.memory_utilization is not None:  # who says how much may have more than `MOST`
        return not space.closed and wanted <= space.free - space.taken + 1e-9
    return wanted <= space.left + 1e-9 and not (_weight(spec) == math.inf and space.taken)


def _demand(spec: WorkerSpec, space: _Space) -> float:
    """Return the share of a GPU's memory that a server needs there at least, in whole percent."""
    if spec.memory_utilization is not None:
        return spec.memory_utilization
    if spec.memory is None:
        return LEAST
    return math.ceil(100 * spec.memory / spec.tensor_parallel / space.gpu.total) / 100


def _weight(spec: WorkerSpec) -> float:
    """Order servers by need; one that is unknown comes first, as it wants GPUs to itself."""
    if spec.memory_utilization is not None:
        return 100 * spec.memory_utilization
    return math.inf if spec.memory is None else spec.memory


def _wanted(spec: WorkerSpec) -> str:
    each = f"on each of {spec.tensor_parallel} GPUs" if spec.tensor_parallel > 1 else "on one GPU"
    if spec.memory_utilization is not None:
        return f"{spec.memory_utilization:.0%} of the memory {each}"
    if spec.memory is None:
        return f"{LEAST:.0%} of the memory and no other worker {each}"
    return f"{spec.memory / spec.tensor_parallel:.0f} GiB {each}"
