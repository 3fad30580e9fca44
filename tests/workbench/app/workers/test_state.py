"""What the screen of workers shows, without a screen."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from workbench.app.look import bar
from workbench.app.state.spans import text_of
from workbench.app.state.workers import CARD_LINES, HISTORY, Verb, WorkersState, endpoint, presets, sparkline
from workbench.doctor import Check

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC).timestamp()


def worker(name: str, state: str = "ready", **values: Any) -> dict[str, Any]:
    """Return a row as `storage.workers.list_workers` does."""
    serving = state in ("ready", "draining")
    row = {
        "id": f"id-{name}", "name": name, "model": "LLaMA-3.1-8B", "state": state, "phase": None,
        "since": "2026-05-04T10:00:00.000+00:00", "reason": None, "pid": 1, "port": 8001, "gpus": "[0, 1]",
        "restarts": 0, "log": "/logs/x.log", "spec": "{}", "kind": "detached", "at": NOW,
        "running": 12 if serving else None, "waiting": 3 if serving else None, "cache": 0.25 if serving else None,
        "tokens_per_s": 1234.0 if serving else None, "prompt_tokens_per_s": 9.0, "prefix_hits": 0.5,
        "gpu_memory_used": 62.0, "gpu_memory_total": 80.0, "gpu_use": 0.41,
    }  # fmt: skip
    return row | values


def cards(state: WorkersState, width: int = 116) -> list[str]:
    return [text_of(part) for part in state.cards(width, NOW, bar)]


def test_a_card_says_everything() -> None:
    state = WorkersState()
    state.eat([worker("llama-1", restarts=2)], True)
    lines = cards(state)
    assert len(lines) == CARD_LINES
    text = "\n".join(lines)
    for part in (
        "● ready", "llama-1", "LLaMA-3.1-8B", "GPU 0, 1", "(2 h 00 min)", "2 restarts", "12 running", "3 waiting",
        "cache", "25%", "1.2k", "62/80 GiB", "41%", "http://127.0.0.1:8001/v1",
    ):  # fmt: skip
        assert part in text
    assert state.heading() == "1 ready"


@pytest.mark.parametrize("width", [40, 76, 116])
def test_a_card_keeps_to_its_width(width: int) -> None:
    state = WorkersState()
    state.eat([worker("llama-1", "dead", reason="CUDA out of memory " * 20)], False)
    lines = cards(state, width)
    assert max(map(len, lines)) <= width
    assert "✘ dead" in lines[0]
    assert any("CUDA out of memory" in row for row in lines)


def test_a_long_reason_takes_the_lines_that_are_left() -> None:
    state = WorkersState()
    state.eat([worker("a", "dead", model="org/a-model-with-a-very-long-name" * 3, reason="out of memory " * 40)], True)
    lines = cards(state, 76)
    assert len(lines) == CARD_LINES
    assert [row.count("out of memory") > 3 for row in lines] == [False, True, True, True]
    assert lines[-1].endswith("…")
    assert "since" in lines[0]
    assert max(map(len, lines)) <= 76


def test_what_drains_says_what_that_is() -> None:
    state = WorkersState()
    state.eat([worker("a", "draining")], True)
    assert "takes no new requests; stops once" in cards(state)[3]
    assert max(map(len, cards(state, 40))) <= 40
    state.eat([worker("a", "draining", phase="stopping")], True)
    assert "takes no new requests" not in "".join(cards(state))


def test_what_starts_has_a_phase_and_no_figures() -> None:
    state = WorkersState()
    state.eat([worker("a", "starting", phase="loading", gpus="[]", gpu_memory_total=None, port=None)], True)
    text = "\n".join(cards(state))
    assert "◔ starting" in text
    assert "(loading)" in text
    assert "CPU" in text
    assert "no requests are served" in text
    assert endpoint(state.rows[0]) is None


def test_reasons_stay_text() -> None:
    state = WorkersState()
    state.eat([worker("a", "dead", reason="\x1b[31m[b]boom[/b]\nmore")], True)
    assert "[b]boom[/b] more" in "\n".join(cards(state))


def test_the_history_grows_by_new_figures_only_and_is_bounded() -> None:
    state = WorkersState()
    earlier = {"id-a": [{"at": NOW - 2 + i / 10, "tokens_per_s": 1.0 if i else None} for i in range(10)]}
    state.eat([worker("a", at=NOW, tokens_per_s=10.0)], True, earlier)
    assert state.known == {"id-a"}
    state.eat([worker("a", at=NOW, tokens_per_s=10.0)], True)
    assert cards(state)[1].count("█") == 1 + 2  # one full column, and a quarter of the cache's bar of eight
    for step in range(2 * HISTORY):
        state.eat([worker("a", at=NOW + step, tokens_per_s=5.0)], True)
    assert len(state._history["id-a"]) == HISTORY
    state.eat([], True)
    assert state.known == frozenset()


def test_sparklines() -> None:
    assert sparkline([], 4) == "    "
    assert sparkline([0.0, 0.0], 4) == "  ▁▁"
    assert sparkline([9.0, 0.0, 5.0, 10.0], 3) == "▁▅█"


def test_the_cursor_stays_on_its_worker() -> None:
    state = WorkersState()
    state.eat([worker("a"), worker("b")], True)
    assert state.cursor == 0
    assert state.choose("b")
    state.eat([worker("b")], True)
    assert (state.cursor, state.chosen and state.chosen["name"]) == (0, "b")
    assert not state.choose("c")


@pytest.mark.parametrize(
    ("row", "allowed"),
    [
        (worker("a"), {"drain", "stop"}),
        (worker("a", "draining"), {"stop"}),
        (worker("a", "starting"), {"drain", "stop"}),
        (worker("a", "stopped"), {"start"}),
        (worker("a", "dead"), {"start", "stop"}),
        (worker("a", kind="run"), set()),
    ],
)
def test_what_can_be_done_when(row: dict[str, Any], allowed: set[str]) -> None:
    state = WorkersState()
    state.eat([row], True)
    verbs: tuple[Verb, ...] = ("drain", "stop", "start")
    assert {verb for verb in verbs if state.refusal(verb, str) is None} == allowed


def test_without_workers_it_says_what_is_missing_and_the_other_ways() -> None:
    state = WorkersState()
    assert state.refusal("stop", str) == "there is no worker: workers.start starts some"
    state.checks = [Check("GPUs", "missing", "no nvidia-smi on the PATH", "only local models need one")]
    text = "\n".join(text_of(part) for part in state.advice(76, str))
    for part in ("– missing  GPUs", "only local models need one", "OPENAI_BASE_URL", "a hosted model", "surrogate"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 76
    state.checks = [Check("GPUs", "ok", "1: H200")]
    assert "workers.start starts a worker" in "\n".join(text_of(part) for part in state.advice(76, str))


def test_the_summary_is_json_without_the_spec() -> None:
    state = WorkersState()
    state.eat([worker("a")], True)
    summary = json.loads(state.summary())
    assert summary["supervisor"] is True
    assert summary["workers"][0]["name"] == "a"
    assert "spec" not in summary["workers"][0]


def test_presets_leave_out_what_is_only_hosted() -> None:
    names = [name for _, name in presets()]
    assert "LLaMA-3.1-8B" in names
    assert "GPT-4o" not in names
