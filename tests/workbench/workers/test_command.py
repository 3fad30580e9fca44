"""How servers are called: the command, its arguments, its environment; and what their logs and metrics say."""

import os
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.errors import UsageError
from workbench.workers.command import arguments, check_model, environment, find_command
from workbench.workers.logs import LogReader, cause, phase, port_taken, rotate, tail
from workbench.workers.metrics import Metrics, Rates, parse_metrics, rates
from workbench.workers.presets import worker_spec
from workbench.workers.spec import WorkerSpec


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_option_comes_before_the_variable_and_that_before_the_path(tmp_path: Path) -> None:
    on_path, configured = executable(tmp_path / "vllm"), executable(tmp_path / "my vllm")
    environ = {"PATH": str(tmp_path)}
    assert find_command(None, environ) == (str(on_path),)
    environ["VLLM_COMMAND"] = f"{shlex.quote(str(configured))} --flag 'a b'"
    assert find_command(None, environ) == (str(configured), "--flag", "a b")
    assert find_command(sys.executable, environ) == (sys.executable,)


@pytest.mark.parametrize(
    ("option", "variable", "line"),
    [
        (None, "", r"no vllm command: install vLLM .*VLLM_COMMAND.*--base-url"),
        (None, "no-such-vllm", "VLLM_COMMAND: there is no command no-such-vllm"),
        ("no-such-vllm", "", "--vllm: there is no command no-such-vllm"),
        (None, "'open", "VLLM_COMMAND: No closing quotation"),
    ],
)
def test_a_missing_command_is_one_line_with_a_remedy(
    tmp_path: Path, option: str | None, variable: str, line: str
) -> None:
    with pytest.raises(UsageError, match=line) as raised:
        find_command(option, {"PATH": str(tmp_path), "VLLM_COMMAND": variable})
    assert "\n" not in str(raised.value)


def test_the_command_line_holds_the_settings_and_no_key() -> None:
    qwq = worker_spec("QwQ-32B", tensor_parallel=2, dtype="bfloat16", seed=7, arguments=("--enforce-eager",))
    line = arguments(qwq, ["vllm"], 4567, 0.85)
    said = " ".join(line)
    assert line[:3] == ["vllm", "serve", "Qwen/QwQ-32B"]
    assert line[-1] == "--enforce-eager"
    for part in (
        "--served-model-name QwQ-32B",
        "--host 127.0.0.1 --port 4567",
        "--seed 7",
        "--tensor-parallel-size 2",
        "--max-model-len 16384",
        "--gpu-memory-utilization 0.85",
        "--dtype bfloat16",
        "--reasoning-parser deepseek_r1",
    ):
        assert part in said
    assert "key" not in said
    assert "--runner" not in said
    embedder = arguments(worker_spec("all-MiniLM-L6-v2"), ["vllm"], 1, None)
    assert embedder[embedder.index("--runner") + 1] == "pooling"
    assert "--gpu-memory-utilization" not in embedder


def test_the_environment_hides_what_servers_need_not_know() -> None:
    given = {
        "OPENAI_API_KEY": "x",
        "AZURE_OPENAI_API_KEY": "x",
        "VLLM_COMMAND": "x",
        "HF_HUB_OFFLINE": "1",
        "HF_TOKEN": "t",
        "DO_NOT_TRACK": "0",
    }
    env = environment("m", "k", (1, 3), given)
    assert not {"OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "VLLM_COMMAND"} & set(env)
    assert (env["HF_HUB_OFFLINE"], env["HF_TOKEN"], env["DO_NOT_TRACK"]) == ("1", "t", "0")
    assert (env["WORKBENCH_WORKER"], env["VLLM_API_KEY"], env["SPT_NOENV"]) == ("m", "k", "1")
    assert (env["CUDA_VISIBLE_DEVICES"], env["CUDA_DEVICE_ORDER"]) == ("1,3", "PCI_BUS_ID")
    assert environment("m", "k", (), given)["CUDA_VISIBLE_DEVICES"] == ""


def test_paths_are_checked_and_made_absolute(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    assert check_model(WorkerSpec("tiny", "tiny")).model == str(model)
    assert check_model(WorkerSpec("m", "org/m")).model == "org/m"
    for spelling in ("tiny", "./tiny", str(model)):
        assert WorkerSpec("x", "tiny").serves(spelling)
        assert WorkerSpec("x", str(model)).serves(spelling)
    assert not WorkerSpec("x", "org/m").serves("m")
    for wrong in ("./nothing", "nothing", "a/b/c", "~/no-such-model"):
        with pytest.raises(UsageError, match="no model at"):
            check_model(WorkerSpec("m", wrong))


def test_logs_are_rotated_under_a_writer_that_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "w.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(5):
            reader = LogReader(log)
            writer.write(f"{number}".encode() * 99 + b"\n")
            assert reader.read() == str(number) * 99 + "\n"
            assert rotate(log, limit=100, kept=2)
            writer.write(b"next\n")
            assert reader.read() == "next\n"
            assert log.read_text() == "next\n"
            os.truncate(log, 0)
    assert not rotate(log, limit=100)
    assert {path.name for path in tmp_path.glob("w.*")} == {"w.log", "w.log.1", "w.log.2"}
    assert (tmp_path / "w.log.1").read_text().startswith("4")
    assert (tmp_path / "w.log.2").read_text().startswith("3")


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "w.log"
    assert tail(log, 3) == []
    log.write_text("\n".join(map(str, range(50_000))))
    assert tail(log, 2) == ["49998", "49999"]
    assert tail(log, 0) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(EngineCore pid=1) INFO 01-01 00:00:00 [gpu_model_runner.py:1] Starting to load model m...", "loading"),
        ("Loading safetensors checkpoint shards: 25% Completed | 1/4", "loading"),
        ("INFO 01-01 00:00:00 [backends.py:1] Dynamo bytecode transform time: 4.2 s", "compiling"),
        ("Loading weights took 3.1 seconds\nCapturing CUDA graphs (decode, FULL):  10%", "compiling"),
        ("INFO config: {'load_format': 'auto', 'compilation_config': {'mode': 3}}", None),
    ],
)
def test_start_up_phases(text: str, expected: str | None) -> None:
    assert phase(text) == expected


def test_the_cause_is_the_line_that_says_most() -> None:
    log = (
        "(EngineCore pid=12) ERROR 01-02 03:04:05 [core.py:700] Traceback (most recent call last):\n"
        "(EngineCore pid=12) ERROR 01-02 03:04:05 [core.py:700]     raise ValueError(message)\n"
        "(EngineCore pid=12) ERROR 01-02 03:04:05 [core.py:700] ValueError: No available memory for the \x1b[31mcache\n"
        "(APIServer pid=11) RuntimeError: Engine core initialization failed. See root cause above.\n"
        "nothing more\n"
    )
    assert cause(log) == "ValueError: No available memory for the cache"
    assert cause("vllm: error: unrecognized arguments: --x\n") == "vllm: error: unrecognized arguments: --x"
    assert cause("all is well\n") == ""
    assert len(cause("ValueError: " + "x" * 1000)) == 300
    assert port_taken("OSError: [Errno 98] Address already in use")
    assert not port_taken("ValueError: port")


@given(st.text())
def test_any_log_can_be_read(text: str) -> None:
    assert "\n" not in cause(text)
    assert phase(text) in (None, "loading", "compiling")


def test_metrics_of_several_engines_are_added_up() -> None:
    text = """# HELP vllm:num_requests_running Number of requests
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 4.0
vllm:num_requests_waiting{engine="0"} 2.0
vllm:kv_cache_usage_perc{engine="0"} 0.25
vllm:kv_cache_usage_perc{engine="1"} 0.5
vllm:prompt_tokens_total{engine="0"} 1.5e+03
vllm:generation_tokens_total{engine="0"} 200
vllm:prefix_cache_queries_total{engine="0"} 1000
vllm:prefix_cache_hits_total{engine="0"} 400
vllm:num_preemptions_total{engine="0"} 1
vllm:num_preemptions_total{engine="1"} NaN
process_open_fds 12
broken line
"""
    found = parse_metrics(text)
    assert found == Metrics(7, 2, 0.5, 1500, 200, 1000, 400, 1)
    later = Metrics(0, 0, 0.0, 1700, 300, 1100, 450, 1)
    assert rates(found, later, 2.0) == Rates(100, 50, 0.5)
    assert rates(found, found, 2.0) == Rates(0, 0, None)
    assert rates(later, found, 2.0) is None
    assert rates(found, later, 0.0) is None


@given(st.text(alphabet='vllm:{}=" 0123456789.eE+-infNaN_abc\n#'))
def test_any_metrics_can_be_read(text: str) -> None:
    assert parse_metrics(text).running is not None
