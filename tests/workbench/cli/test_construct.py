"""Scenarios built by a language model, from posts and for drawn profiles: faults, kills, reasons, and what is kept."""

import json
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakeserver import CLOSE, CUT, NOT_JSON, STALL, FakeServer, Fault, reply, status
from tests.workbench.cli.conftest import Cli
from tests.workbench.cli.program import complaint, data, here, start
from tests.workbench.engine.clerk import (
    AGAIN,
    FEW,
    INVENTED,
    KNOWN,
    LEAK,
    LOAN,
    MOVE,
    NAMED,
    STEERING,
    lines,
    read,
    write,
)

POSTS = lines(LOAN.text, FEW.text, LEAK.text, LOAN.text, AGAIN.text) + lines(MOVE.text, domain="life") + "not json\n"
POSTS += lines(INVENTED.text, NAMED.text, KNOWN.text) + "\n" + lines(STEERING)


def from_posts(server: FakeServer, *more: object) -> tuple[object, ...]:
    how = ("--world", "model", "--model", "m", "--base-url", server.url, "--quiet")
    return ("scenarios", "build", "--from", "posts.jsonl", *how, *more)


def written(server: FakeServer, *more: object) -> tuple[object, ...]:
    how = ("--world", "model", "--model", "m", "--base-url", server.url, "--quiet")
    return ("scenarios", "build", "--synthetic", 6, "--queries", 3, "--seed", 4, *how, *more)


def stored(folder: Path) -> list[Any]:
    found: list[Any] = data("scenarios", "list", "--limit", 0, cwd=folder)
    return found


def reasons(folder: Path) -> list[tuple[str, str, str]]:
    return [(row["source"], row["part"], row["stage"]) for row in data("scenarios", "rejected", cwd=folder)]


def query(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'workbench.db'}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a file of posts was built from, undisturbed."""
    folder = tmp_path_factory.mktemp("posts")
    (folder / "posts.jsonl").write_text(POSTS)
    with FakeServer() as server:
        server.rule = read
        done = here(*from_posts(server), cwd=folder)
    assert done.returncode == 3, done.stderr
    assert "4 scenarios from 11 posts" in done.stderr
    assert "6 posts rejected" in done.stderr
    assert "1 post failed" in done.stderr
    return folder


# ---------------------------------------------------------------------------------------------------------- from posts


def test_what_posts_tell_becomes_scenarios(folder: Path) -> None:
    found = {scenario["query"]: scenario for scenario in stored(folder)}
    assert set(found) == {LOAN.query, MOVE.query, INVENTED.query, "Should I follow my friend abroad?"}
    loan = found[LOAN.query]
    assert (loan["source"], loan["domain"]) == ("real", "Financial")
    assert loan["issue"]
    assert loan["profile"]["Age"] == "31"
    assert loan["profile"]["Past Self-Harm History"] is None, "the post does not tell, so nothing is filled in"
    assert found[MOVE.query]["domain"] == "Life", "the file's own word counts"


def test_a_value_without_evidence_is_dropped_and_the_rest_stays(folder: Path) -> None:
    (scenario,) = (s for s in stored(folder) if s["query"] == INVENTED.query)
    assert scenario["profile"]["Gender"] is None
    assert scenario["profile"]["Age"] == "29"
    assert ("posts.jsonl:8", "Gender", "evidence") in reasons(folder)


def test_every_rejection_has_its_line_and_reason(folder: Path) -> None:
    expected = {
        ("posts.jsonl:2", "", "presence"),
        ("posts.jsonl:3", "", "leak"),
        ("posts.jsonl:4", "", "duplicate"),
        ("posts.jsonl:5", "", "duplicate"),
        ("posts.jsonl:7", "", "read"),
        ("posts.jsonl:8", "Gender", "evidence"),
        ("posts.jsonl:9", "query", "identity"),
        ("posts.jsonl:10", "", "identity"),
        ("posts.jsonl:12", "", "model"),
    }
    assert set(reasons(folder)) == expected
    rows = data("scenarios", "rejected", cwd=folder)
    by_line = {row["source"]: row["reason"] for row in rows}
    assert "2 of 10 attributes" in by_line["posts.jsonl:2"]
    assert "Marital Status" in by_line["posts.jsonl:3"]
    assert "line 1" in by_line["posts.jsonl:4"]
    assert "copied" in by_line["posts.jsonl:12"], "an object that stands in the post is not the model's own"
    assert all(row["at"] for row in rows)


def test_nothing_of_a_post_stays(folder: Path) -> None:
    for text in (LOAN.text, "We married in spring", "ana@example.org", "Daniel", KNOWN.query, "New rules"):
        for table in ("completions", "rejections", "scenarios", "runs", "calls", "build_items"):
            for row in query(folder, f"select * from {table}"):
                assert not any(text in str(value) for value in row), (table, text)
    assert query(folder, "select count(*) from completions where text <> '' or request is not null") == [(0,)]


def test_names_and_addresses_never_reach_the_server(tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(lines(NAMED.text))
    with FakeServer() as server:
        server.rule = read
        assert here(*from_posts(server), cwd=tmp_path).returncode == 0
        said = json.dumps(server.requests)
    assert "ana@example.org" not in said
    assert "Daniel" not in said


def test_the_same_command_again_asks_nothing(folder: Path) -> None:
    before = stored(folder)
    with FakeServer() as server:
        done = here(*from_posts(server), cwd=folder)
        assert server.requests == []
    assert done.returncode == 3
    assert "finished before" in done.stderr
    assert stored(folder) == before


def test_the_ledger_and_the_list_of_runs_know_the_build(folder: Path) -> None:
    (run,) = data("show", "runs", cwd=folder)
    assert (run["kind"], run["state"], run["world"]) == ("build", "done", "model")
    assert (run["units"], run["done"], run["failed"], run["scenarios"]) == (11, 10, 1, 4)
    (row,) = data("show", "calls", "--run", run["run"], cwd=folder)
    assert (row["role"], row["model"]) == ("builder", "m")
    assert row["calls"] > 20
    assert row["prompt_tokens"] > 0


def test_other_thresholds_are_another_build(tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(lines(FEW.text, LEAK.text))
    with FakeServer() as server:
        server.rule = read
        assert here(*from_posts(server), cwd=tmp_path).returncode == 3
        done = here(*from_posts(server, "--presence", 2, "--leaks", "keep"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {scenario["query"] for scenario in stored(tmp_path)} == {FEW.query, LEAK.query}
    ((scenario, leaks),) = query(tmp_path, "select scenario, leaks from built_scenarios where leaks")
    assert leaks == 1 << 2
    assert query(tmp_path, "select target, tag from tags") == [(f"scenario/{scenario}", "leaks")]


def test_what_failed_is_done_again_on_request(tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(lines(LOAN.text, MOVE.text))

    def ill(body: dict[str, Any]) -> Fault | None:
        return reply("I cannot say.") if "I am 44" in str(body["messages"][1]) else read(body)

    with FakeServer() as server:
        server.rule = ill
        done = here(*from_posts(server), cwd=tmp_path)
        assert done.returncode == 3
        assert "1 post failed" in done.stderr
        server.rule = read
        assert "1 post failed" in here(*from_posts(server), cwd=tmp_path).stderr
        done = here(*from_posts(server, "--retry-failed"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {scenario["query"] for scenario in stored(tmp_path)} == {LOAN.query, MOVE.query}
    assert data("scenarios", "rejected", cwd=tmp_path) == []


def test_what_the_server_refuses_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(lines(LOAN.text, MOVE.text))
    with FakeServer() as server:
        server.rule = lambda body: status(400, "content filter") if "I am 44" in str(body["messages"]) else read(body)
        assert here(*from_posts(server), cwd=tmp_path).returncode == 3
    assert reasons(tmp_path) == [("posts.jsonl:2", "", "refused")]


def test_wrong_key_stops_at_once_and_can_be_taken_up(tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(lines(LOAN.text))
    with FakeServer(key="other") as server:
        complaint(here(*from_posts(server), cwd=tmp_path), 1)
        server.behaviour.key = ""
        server.rule = read
        assert here(*from_posts(server), cwd=tmp_path).returncode == 0
    assert len(stored(tmp_path)) == 1


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_cut_off_and_taken_up_it_ends_like_an_undisturbed_build(
    tmp_path: Path, folder: Path, sent: signal.Signals
) -> None:
    (tmp_path / "posts.jsonl").write_text(POSTS)
    with FakeServer() as server:
        server.rule = lambda body: STALL if server.answered >= 9 else read(body)
        process = start(*from_posts(server, "--concurrency", 2), cwd=tmp_path)
        server.wait(lambda s: s.answered >= 9 and bool(s.stalled), 30)
        process.send_signal(sent)
        _, err = process.communicate()
        assert process.returncode == (130 if sent == signal.SIGINT else -sent), err
        assert "the same command goes on" in err or sent == signal.SIGKILL
        server.release()
        server.rule = read
        before = server.answered
        done = here(*from_posts(server, "--concurrency", 5), cwd=tmp_path)
        assert done.returncode == 3, done.stderr
        again = server.answered - before
    assert stored(tmp_path) == stored(folder)
    assert sorted(reasons(tmp_path)) == sorted(reasons(folder))
    assert again < query(folder, "select sum(not hit) from calls")[0][0], "what was answered before is not asked again"


def test_faults_on_the_way_change_nothing(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(POSTS)
    with FakeServer() as server:
        server.faults += [status(429, retry_after="0"), CUT, NOT_JSON, CLOSE, status(500), reply("no")]
        server.rule = read
        assert here(*from_posts(server, "--max-in-flight", 3), cwd=tmp_path).returncode == 3
        assert server.most_in_flight <= 3
    assert stored(tmp_path) == stored(folder)


def test_a_post_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(lines(LOAN.text, MOVE.text))
    with FakeServer() as server:
        server.rule = lambda body: reply("{}") if "I am 31" in str(body["messages"]) else read(body)
        done = here(*from_posts(server), cwd=tmp_path)
    assert done.returncode == 3
    assert reasons(tmp_path) == [("posts.jsonl:1", "", "model")]
    assert [scenario["query"] for scenario in stored(tmp_path)] == [MOVE.query]


def test_a_build_obeys_commands(tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text(lines(LOAN.text))
    with FakeServer() as server:
        server.rule = lambda body: STALL
        process = start(*from_posts(server), cwd=tmp_path)
        server.wait(lambda s: bool(s.stalled), 30)
        ((run,),) = query(tmp_path, "select id from runs")
        assert here("control", run, "cancel", cwd=tmp_path).returncode == 0
        process.communicate()
        assert process.returncode == 130
        second = start(*from_posts(server), cwd=tmp_path)
        server.wait(lambda s: len(s.requests) >= 2, 30)
        assert f"process {second.pid} " in complaint(here(*from_posts(server), cwd=tmp_path))
        second.kill()
        second.communicate()


# ------------------------------------------------------------------------------------------------- queries for profiles


def test_a_model_writes_the_queries_of_drawn_profiles(tmp_path: Path) -> None:
    with FakeServer() as server:
        server.rule = write
        done = here(*written(server), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        requests = [r for r in server.requests if r["response_format"]["json_schema"]["name"] == "queries"]
    assert {(r["temperature"], r["top_p"], r["max_tokens"]) for r in requests} == {(0.7, 0.95, 4096)}
    found = stored(tmp_path)
    assert len(found) == 18
    assert set(Counter(json.dumps(s["profile"]) for s in found).values()) == {3}
    assert {scenario["source"] for scenario in found} == {"synthetic"}
    assert len({scenario["domain"] for scenario in found}) == 6
    plain = here("scenarios", "build", "--synthetic", 6, "--seed", 4, "--db", "other.db", cwd=tmp_path)
    assert plain.returncode == 0
    drawn = data("scenarios", "list", "--db", "other.db", cwd=tmp_path)
    assert {json.dumps(s["profile"]) for s in drawn} == {json.dumps(s["profile"]) for s in found}


def test_queries_that_tell_or_repeat_are_left_out_one_by_one(tmp_path: Path) -> None:
    def careless(body: dict[str, Any]) -> Fault | None:
        fault = write(body)
        assert fault is not None
        queries = json.loads(fault.message)
        if "query_2" in queries:
            queries |= {"query_2": "I'm 23 years old, should I wait?", "query_3": queries["query_1"].upper()}
        return reply(json.dumps(queries))

    with FakeServer() as server:
        server.rule = careless
        done = here(*written(server), cwd=tmp_path)
    assert done.returncode == 3
    assert "12 queries rejected" in done.stderr
    assert len(stored(tmp_path)) == 6
    counted = Counter((part, stage) for _, part, stage in reasons(tmp_path))
    assert counted == {("query 2", "leak"): 6, ("query 3", "duplicate"): 6}


def test_a_killed_build_of_queries_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    with FakeServer() as server:
        server.rule = write
        assert here(*written(server), cwd=whole).returncode == 0
        already = server.answered
        server.rule = lambda body: STALL if server.answered >= already + 5 else write(body)
        process = start(*written(server, "--concurrency", 2), cwd=cut)
        server.wait(lambda s: s.answered >= already + 5 and bool(s.stalled), 30)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        server.release()
        server.rule = write
        assert here(*written(server), cwd=cut).returncode == 0
    assert stored(cut) == stored(whole)


# -------------------------------------------------------------------------------------------------------------- usage

WRONG = [
    ("--synthetic 2 --from posts.jsonl", "either --synthetic N or --from FILE"),
    ("--from posts.jsonl", "--world model"),
    ("--from posts.jsonl --world surrogate", "surrogate"),
    ("--synthetic 2 --world surrogate", "language model only"),
    ("--synthetic 2 --model m", "--model goes with --world model"),
    ("--synthetic 2 --queries 3", "--queries goes with --world model"),
    ("--synthetic 2 --world model", "--model NAME"),
    ("--synthetic 2 --world model --model m,n", "one model"),
    ("--synthetic 2 --world model --model m --presence 3", "--presence goes with --from"),
    ("--from posts.jsonl --world model --model m --queries 3", "--queries goes with --synthetic"),
    ("--from none.jsonl --world model --model m", "none.jsonl"),
    ("--from posts.jsonl --world model --model m --presence 11", "--presence"),
    ("--from posts.jsonl --world model --model m --leaks maybe", "--leaks"),
    ("--from posts.jsonl --world mars --model m", "--world mars"),
]


@pytest.mark.parametrize(("flags", "words"), WRONG, ids=[flags for flags, _ in WRONG])
def test_wrong_usage_is_one_line(cli: Cli, tmp_path: Path, flags: str, words: str) -> None:
    (tmp_path / "posts.jsonl").write_text(lines(LOAN.text))
    assert words in complaint(cli("scenarios", "build", *flags.split()))
    assert not (tmp_path / "workbench.db").exists()


def test_without_a_build_there_is_nothing_to_list(cli: Cli) -> None:
    assert cli("scenarios", "build", "--synthetic", 2).returncode == 0
    assert "no build yet" in complaint(cli("scenarios", "rejected"))
