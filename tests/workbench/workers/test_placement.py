"""Where servers go: laws of the placement, and the lines that refuse one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.errors import UsageError
from workbench.workers.gpus import Gpu, read_gpus, visible
from workbench.workers.placement import LEAST, MOST, Place, place
from workbench.workers.presets import PRESETS, worker_spec
from workbench.workers.spec import WorkerSpec, parse_gpus


def gpu(index: int, total: float = 80.0, free: float | None = None) -> Gpu:
    return Gpu(index, "GPU", f"GPU-{index:04}", total, total if free is None else free)


def spec(name: str = "m", **settings: object) -> WorkerSpec:
    return WorkerSpec.from_dict({"name": name, "model": "org/m", **settings})


GPUS = st.lists(st.tuples(st.sampled_from([16.0, 24.0, 80.0, 140.0]), st.floats(0, 1)), min_size=1, max_size=6).map(
    lambda found: [gpu(i, total, total * share) for i, (total, share) in enumerate(found)]
)
SPECS = st.lists(
    st.builds(
        spec,
        replicas=st.integers(1, 3),
        tensor_parallel=st.integers(1, 3),
        memory=st.none() | st.floats(1, 150),
        memory_utilization=st.none() | st.integers(1, 100).map(lambda percent: percent / 100),
        embedding=st.booleans(),
        gpus=st.none() | st.just(()) | st.sets(st.integers(0, 5), min_size=1).map(lambda s: tuple(sorted(s))),
    ),
    min_size=1,
    max_size=4,
)


@given(SPECS, GPUS)
def test_no_gpu_gives_more_than_it_has_and_everyone_gets_what_they_need(
    specs: list[WorkerSpec], gpus: list[Gpu]
) -> None:
    try:
        places = place(specs, gpus)
    except UsageError:
        return
    taken = dict.fromkeys(range(len(gpus)), 0.0)
    asked = dict.fromkeys(range(len(gpus)), False)
    assert [len(found) for found in places] == [wanted.replicas for wanted in specs]
    for wanted, found in zip(specs, places, strict=True):
        for room in found:
            if wanted.gpus == ():
                assert room == Place()
                continue
            assert len(set(room.gpus)) == wanted.tensor_parallel
            assert wanted.gpus is None or set(room.gpus) <= set(wanted.gpus)
            assert room.utilization is not None
            for index in room.gpus:
                taken[index] += room.utilization
                asked[index] |= wanted.memory_utilization is not None
                if wanted.memory_utilization is not None:
                    assert room.utilization == wanted.memory_utilization
                elif wanted.memory is not None:
                    assert room.utilization * gpus[index].total >= wanted.memory / wanted.tensor_parallel - 1e-6
                else:
                    assert room.utilization >= LEAST
    for index, share in taken.items():
        assert share <= gpus[index].free / gpus[index].total + 1e-6
        assert asked[index] or share <= MOST + 1e-6


@given(st.integers(1, 8))
def test_replicas_spread_over_equal_gpus_and_take_what_is_free(count: int) -> None:
    (places,) = place([worker_spec("LLaMA-3.1-8B", replicas=count)], [gpu(i) for i in range(count)])
    assert {room.gpus for room in places} == {(i,) for i in range(count)}
    assert {room.utilization for room in places} == {MOST}


def test_two_models_share_a_gpu_in_proportion_to_their_need() -> None:
    (big,), (small,) = place([worker_spec("LLaMA-3.1-8B"), worker_spec("all-MiniLM-L6-v2")], [gpu(0)])
    assert big.utilization is not None
    assert small == Place((0,), 0.03)
    assert 0.8 < big.utilization <= MOST - 0.03


def test_a_worker_of_unknown_need_has_its_gpu_to_itself() -> None:
    (unknown,), (known,) = place([spec("u"), spec("k", memory=20.0)], [gpu(0), gpu(1)])
    assert unknown.gpus != known.gpus
    with pytest.raises(UsageError, match="no room for worker k"):
        place([spec("u"), spec("k", memory=20.0)], [gpu(0)])


def test_the_biggest_goes_first() -> None:
    (small,), (big,) = place([spec("s", memory=5.0), spec("b", memory=60.0)], [gpu(0, 24.0), gpu(1)])
    assert big.gpus == (1,)
    assert small.gpus in ((0,), (1,))


@pytest.mark.parametrize(
    ("wanted", "gpus", "line"),
    [
        (spec(), [], r"no NVIDIA GPU for worker m: .*--gpus none.*--base-url"),
        (spec(gpus=(3,)), [gpu(0), gpu(1)], r"no GPU 3: there are 0, 1 \(--gpus\)"),
        (worker_spec("QwQ-32B"), [gpu(0, 24.0)], r"needs 70 GiB on one GPU, left are \(GiB\) GPU 0 22/24"),
        (spec(memory_utilization=0.5), [gpu(0, free=30.0)], r"50% of the memory on one GPU"),
        (spec(tensor_parallel=2), [gpu(0)], r"30% of the memory and no other worker on each of 2 GPUs"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(wanted: WorkerSpec, gpus: list[Gpu], line: str) -> None:
    with pytest.raises(UsageError, match=line) as raised:
        place([wanted], gpus)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("allowed", "indices"),
    [(None, (0, 1, 2)), ("", ()), ("2,0", (2, 0)), ("GPU-0001", (1,)), ("0,-1,2", (0,)), ("0,9", (0,)), ("1,1", (1,))],
)
def test_gpus_that_the_environment_hides_are_not_used(allowed: str | None, indices: tuple[int, ...]) -> None:
    assert tuple(found.index for found in visible([gpu(i) for i in range(3)], allowed)) == indices


def test_a_machine_without_a_driver_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    assert read_gpus({}) == ()


def test_the_papers_models_have_presets() -> None:
    published = {"GPT-4o", "Deepseek-7B", "Mistral-7B", "LLaMA-3.1-8B", "Qwen-2.5-7B", "QwQ-32B"}
    assert published < set(PRESETS)
    assert {name for name, preset in PRESETS.items() if preset.hosted} == {"GPT-4o"}
    assert {name for name, preset in PRESETS.items() if preset.reasoning_parser} == {"QwQ-32B"}
    for name in published - {"GPT-4o"}:
        made = worker_spec(name.upper(), replicas=2)
        assert (made.name, made.replicas) == (name, 2)
        assert made.memory is not None
        assert made.max_model_len is not None
        assert worker_spec(made.model) == worker_spec(name)
    with pytest.raises(UsageError, match=r"no worker can serve it.*OPENAI_API_KEY"):
        worker_spec("gpt-4o")


def test_a_model_without_preset_is_taken_as_it_is() -> None:
    assert worker_spec("org/Some-Model", max_model_len=100) == WorkerSpec(
        "Some-Model", "org/Some-Model", max_model_len=100
    )


@given(SPECS)
def test_specs_go_through_json(specs: list[WorkerSpec]) -> None:
    assert [WorkerSpec.from_json(json.dumps(s.to_dict())) for s in specs] == specs


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "a b"},
        {"name": "--x"},
        {"model": "--trust-remote-code"},
        {"replicas": 0},
        {"tensor_parallel": 0},
        {"memory_utilization": 1.5},
        {"gpus": (0, 0)},
        {"colour": "red"},
    ],
)
def test_specs_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        WorkerSpec.from_dict({"name": "m", "model": "org/m", **settings})


def test_the_gpus_option() -> None:
    assert (parse_gpus(None), parse_gpus("none"), parse_gpus("0,2")) == (None, (), (0, 2))
    for wrong in ("all", "0,", "-1", ""):
        with pytest.raises(UsageError, match="--gpus"):
            parse_gpus(wrong)
