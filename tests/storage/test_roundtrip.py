"""What is written is read back equal, whatever the text in it."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.drive import plan
from planner.evaluations import Evaluations
from planner.keyed import generator
from planner.recommend import best
from planner.settings import PLANNERS, PlannerSettings, make_planner
from planner.trace import Trace
from simulator.attributes import N_ATTRIBUTES, NAMES
from simulator.dialogue import Dialogue, Ending, Knowledge, Neighbour, Question, Reply, ReplyStatus, Turn
from simulator.scenario import Profile, Scenario
from simulator.world import DIMENSIONS, Draw, Response, Verdict
from storage import runs
from storage.database import open_readonly, open_writable, transaction
from storage.readers import dialogue_rows, response_rows, score_rows, search_rows, search_trace, unit_rows
from storage.records import SearchRecord, TrialRecord
from storage.runs import Owner, RunSpec, UnitKey
from storage.scenarios import add_scenarios, find_scenario, list_scenarios, scenarios_by_id
from storage.searchfile import Provenance, load_search, save_search
from storage.sqlite import Database

HOSTILE = (
    "[bold]markup[/bold] {braces} %s %(x)s",
    "\x1b[2J\x1b]0;title\x07 \x9b31m",
    'it\'s "quoted"; drop table scenarios; --',
    "tab\tnew\nline\r\n\u2028\u202eright to left",
    "nul\x00 inside",
    "\ufeffbom \U0001f9e1 e\u0301 \uffff",
    "=1+1",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
some_text = texts.filter(lambda text: bool(text.strip()))
profiles = st.tuples(*[st.none() | texts] * N_ATTRIBUTES).map(Profile)
scenarios = st.builds(
    Scenario, some_text, profiles, st.sampled_from(["Health", "unknown"]), issue=texts, source=some_text
)
OWNER = Owner("host", 1, "then")
SPEC = RunSpec("0" * 64, "surrogate", "1", 0, "{}", "{}", "0")


@contextmanager
def database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        db = open_writable(Path(folder) / "x.db")
        try:
            yield db
        finally:
            db.conn.close()


@contextmanager
def unit_of(kind: runs.UnitKind, scenario: Scenario, arm: str = "planner") -> Iterator[tuple[Database, str, int]]:
    """Return a database with a run of one unit."""
    with database() as db:
        add_scenarios(db, [scenario])
        key = UnitKey(kind, scenario.id, "model", arm)
        claim = runs.claim(db, SPEC, [key], OWNER, is_alive=lambda *_: False)
        yield db, claim.run, claim.units[key][0]


@settings(max_examples=40)
@given(st.lists(scenarios, max_size=8))
def test_scenarios(written: list[Scenario]) -> None:
    unique = list({scenario.id: scenario for scenario in reversed(written)}.values())[::-1]
    unique = [next(s for s in written if s.id == u.id) for u in unique]  # the first of each id stays
    with database() as db:
        added = add_scenarios(db, written)
        assert added == (len(unique), len(written) - len(unique))
        assert sorted(list_scenarios(db), key=lambda s: s.id) == sorted(unique, key=lambda s: s.id)
        assert add_scenarios(db, written) == (0, len(written))
        for scenario in unique:
            assert find_scenario(db, scenario.id) == scenario
        assert scenarios_by_id(db, [s.id for s in written]) == {s.id: s for s in unique}


def test_scenarios_come_back_in_the_order_they_were_added() -> None:
    added = [Scenario(f"Question {i}?", Profile((None,) * N_ATTRIBUTES)) for i in range(1200)]
    with database() as db:
        add_scenarios(db, iter(added))
        assert list(list_scenarios(db)) == added
        assert list(list_scenarios(db, limit=7)) == added[:7]
        assert list(list_scenarios(db, search="QUESTION 119")) == [added[119], *added[1190:]]
        assert list(list_scenarios(db, search="%")) == []
        assert list(list_scenarios(db, domains=["Health"])) == []


@st.composite
def searches(draw: st.DrawFn) -> tuple[PlannerSettings, Trace]:
    name = draw(st.sampled_from(PLANNERS))
    rule = draw(st.sampled_from(["raise", "raise-literal"]))
    choices = PlannerSettings(
        planner=name,
        rule=rule,
        rollouts=draw(st.integers(1, 40)),
        depth=draw(st.integers(1, 4)),
        c=draw(st.floats(0, 9)),
    )
    available = draw(st.integers(1, 1023))
    seed = draw(st.integers(0, 99))
    failing = draw(st.booleans())

    def reward(mask: int, sample: int) -> float | None:
        number = float(generator(seed, mask, sample).uniform(1, 5))
        return None if failing and number < 1.5 else number

    planner = make_planner(choices, available, key=(seed,), static_order=range(10), replicates=1)
    trace = plan(
        planner, reward, Evaluations(1), rank=lambda mask: [i for i in range(10) if available & ~mask & 1 << i]
    )
    return choices, trace


def same(one: Trace, other: Trace) -> bool:
    fields = ("planner", "rule", "recommend", "backup", "n", "available", "depth", "c", "decay", "evaluations")
    arrays = ("path", "reward", "flags", "prior")
    return all(getattr(one, name) == getattr(other, name) for name in fields) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name in ("reward", "prior"))
        for name in arrays
    )


@settings(max_examples=40)
@given(searches(), scenarios)
def test_searches(search: tuple[PlannerSettings, Trace], scenario: Scenario) -> None:
    choices, trace = search
    try:
        found = best(trace)
    except ValueError:  # every evaluation failed
        return
    record = SearchRecord(choices.planner, choices.rule, "a", found, trace)
    with unit_of("search", scenario, choices.planner) as (db, run, unit):
        with transaction(db):
            runs.save_running(db, unit, b"half")
        assert list(search_rows(db, run)) == []
        assert [row["state"] for row in unit_rows(db, run)] == ["running"]
        with transaction(db):
            runs.save_search(db, unit, record, 0.5)
        assert same(search_trace(db, unit), trace)
        (row,) = search_rows(db, run)
        assert row["best_path"] == [NAMES[i] for i in found.path]
        assert (row["best_mask"], row["best_q"], row["best_visits"]) == (found.mask, found.q, found.visits)
        assert (row["rollouts"], row["evaluations"], row["judge"]) == (trace.rollouts, trace.evaluations, "a")
        assert row["query"] == scenario.query


@settings(max_examples=25)
@given(searches(), texts)
def test_saved_searches(search: tuple[PlannerSettings, Trace], text: str) -> None:
    _, trace = search
    provenance = Provenance("surrogate", text, text, "a", text, 7, (text, *NAMES[1:]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "search.json"
        save_search(path, trace, provenance)
        read, origin = load_search(path)
    assert same(read, trace)
    assert origin == provenance


values = st.floats(1, 5, allow_nan=False)
verdicts = st.builds(
    Verdict, st.just("a"), st.tuples(values, values, values), st.integers(1, 9), st.integers(1, 9), texts
)
neighbours = st.builds(
    Neighbour, texts, st.lists(st.integers(0, 9), unique=True).map(tuple), st.none() | values, st.floats(0, 2), texts
)


@st.composite
def turns(draw: st.DrawFn, attribute: int) -> Turn:
    status = draw(st.sampled_from(get_args(ReplyStatus)))
    known = draw(some_text) if status in ("answered", "partial") else None
    return Turn(
        draw(st.none() | st.integers(0, 5)),
        Question(attribute, draw(texts), draw(texts)),
        Reply(attribute, status, draw(texts), known, draw(st.none() | texts)),
        draw(st.sampled_from(("model", "follow", "prior"))),
        draw(st.none() | values),
    )


@st.composite
def trials(draw: st.DrawFn) -> TrialRecord:
    asked = draw(st.lists(st.integers(0, 9), unique=True, max_size=4))
    talk = tuple(draw(turns(attribute)) for attribute in asked)
    knowledge = Knowledge()
    for turn in talk:
        knowledge = knowledge.having(turn.reply)
    dialogue = Dialogue(
        turns=talk,
        completeness=draw(st.none() | st.integers(0, 5)),
        ending=draw(st.sampled_from(get_args(Ending))),
        knowledge=knowledge,
        crisis=draw(st.booleans()),
        neighbours=tuple(draw(st.lists(neighbours, max_size=3))),
        invalid=tuple(draw(st.lists(texts, max_size=2))),
        score=draw(st.none() | values),
    )
    draw_key = Draw("planner", "final", draw(st.integers(0, 9)))
    return TrialRecord(
        response=Response(draw(texts), "instruction", knowledge.full, knowledge.partial, draw_key),
        response_score=draw(st.none() | values),
        verdicts=(draw(verdicts),),
        failures=draw(st.sampled_from([{}, {"b": "no JSON in \x1b[31m'it'"}])),
        dialogue=dialogue,
        threshold=4,
        persona="terse",
        library="hash",
        leaky=draw(st.booleans()),
    )


def turn_row(step: int, turn: Turn) -> dict[str, Any]:
    return {
        "step": step,
        "completeness": turn.completeness,
        "attribute": NAMES[turn.question.attribute],
        "question": turn.question.text,
        "reason": turn.question.reason,
        "chosen_by": turn.chosen_by,
        "status": turn.reply.status,
        "reply": turn.reply.text,
        "known": turn.reply.known,
        "truth": turn.reply.truth,
        "score": turn.score,
        "said_by": turn.reply.said_by,
    }


@settings(max_examples=40)
@given(trials(), scenarios)
def test_trials(record: TrialRecord, scenario: Scenario) -> None:
    dialogue = record.dialogue
    assert dialogue is not None
    with unit_of("trial", scenario) as (db, run, unit):
        for _ in range(2):  # written again it is the same, not more
            with transaction(db):
                runs.save_trial(db, unit, record, 0.5)
        (row,) = dialogue_rows(db, run, scenario.id)
        assert row["turns"] == [turn_row(step, turn) for step, turn in enumerate(dialogue.turns)]
        assert row["neighbours"] == [{**n._asdict(), "path": [NAMES[i] for i in n.path]} for n in dialogue.neighbours]
        assert row["invalid"] == list(dialogue.invalid)
        for name in ("ending", "completeness", "crisis", "score"):
            assert row[name] == getattr(dialogue, name)
        assert row["given"] == [NAMES[i] for i in range(10) if dialogue.knowledge.mask >> i & 1]
        assert (row["query"], row["response"]) == (scenario.query, record.response.text)
        (response,) = response_rows(db, run)
        assert (response["text"], response["true_score"]) == (record.response.text, record.response_score)
        rows = {row["judge"]: row for row in score_rows(db, run)}
        assert rows.keys() == {"a", *record.failures}
        assert tuple(rows["a"][name] for name in DIMENSIONS) == record.verdicts[0].dimensions
        assert rows["a"]["score"] == record.verdicts[0].score
        assert not rows["a"]["failed"]
        assert rows["a"]["questions"] == len(dialogue.turns)
        assert rows["a"]["neighbours"] == len(dialogue.neighbours)
        for judge, why in record.failures.items():
            assert rows[judge]["failed"]
            assert rows[judge]["error"] == why
            assert rows[judge]["score"] is None
            assert {rows[judge][name] for name in DIMENSIONS} == {None}
        (state,) = unit_rows(db, run)
        assert state["state"] == ("failed" if record.failures else "done")
        json.dumps([row, *rows.values()])


def test_a_failed_trial_replaces_everything_that_was_found_before() -> None:
    scenario = Scenario("Is it late?", Profile((None,) * N_ATTRIBUTES))
    response = Response("Yes.", "plain", 0, 0, Draw("vanilla", "final"))
    record = TrialRecord(response, 3.0, (Verdict("a", (3, 3, 3)),))
    with unit_of("trial", scenario, "vanilla") as (db, run, unit):
        with transaction(db):
            runs.save_trial(db, unit, record, 0.1)
        assert [row["questions"] for row in score_rows(db, run)] == [0]
        with transaction(db):
            runs.fail_unit(db, unit, "no server", 0.1, ["a", "b"])
        assert list(response_rows(db, run)) == []
        rows = list(score_rows(db, run))
        assert [(row["judge"], row["score"], row["failed"], row["error"]) for row in rows] == [
            ("a", None, True, "no server"),
            ("b", None, True, "no server"),
        ]


def test_half_a_surrogate_pair_is_written_as_a_question_mark_and_loses_nothing_else() -> None:
    scenario = Scenario("Is it late?", Profile((None,) * N_ATTRIBUTES))
    response = Response("Yes \ud800 \U0001f9e1 no.", "plain", 0, 0, Draw("vanilla", "final"))
    record = TrialRecord(response, 3.0, (), {"a": "not JSON: \udfff"})
    with unit_of("trial", scenario, "vanilla") as (db, run, unit):
        with transaction(db):
            runs.save_trial(db, unit, record, 0.1)
        assert [row["text"] for row in response_rows(db, run)] == ["Yes ? \U0001f9e1 no."]
        assert [row["error"] for row in score_rows(db, run)] == ["not JSON: ?"]
        assert [row["error"] for row in unit_rows(db, run)] == ["judge a: not JSON: ?"]


def test_a_reader_in_another_connection_sees_what_was_committed() -> None:
    with database() as db:
        path = Path(db.execute("select file from pragma_database_list").fetchone()[0])
        reader = open_readonly(path)
        with transaction(db):
            db.execute("insert into libraries (id, name) values ('x', 'y')")
            assert reader["libraries"].count == 0
        assert reader["libraries"].count == 1
        reader.conn.close()
