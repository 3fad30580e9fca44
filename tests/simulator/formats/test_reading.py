"""Scenarios out of files: joins, containers, and what happens to bad records and damaged bytes."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from simulator.formats import Format, FormatError, Problem, detect, read_domain_map, read_scenarios
from simulator.formats import records as records_module
from simulator.scenario import Scenario
from tests.simulator.formats.samples import PEOPLE, QUERIES


def put(path: Path, content: object) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def read(*paths: Path, **options: str) -> tuple[list[Scenario], list[Problem]]:
    found = list(read_scenarios(paths, source=options.get("source")))
    return [x for x in found if isinstance(x, Scenario)], [x for x in found if isinstance(x, Problem)]


def pair(tmp_path: Path, people: Sequence[object], asked: Sequence[object]) -> tuple[Path, Path]:
    return put(tmp_path / "profiles.json", people), put(tmp_path / "queries.json", asked)


def form1(queries: Sequence[object]) -> list[object]:
    return [{"query_id": query} for query in queries]


def test_profiles_and_queries_are_joined_by_position_in_any_order(tmp_path: Path) -> None:
    profiles, queries = pair(tmp_path, PEOPLE, form1(QUERIES))
    good, bad = read(queries, profiles)
    assert not bad
    assert [s.query for s in good] == list(QUERIES)
    assert [s.profile[0] for s in good] == ["25-34", "25-34", "41", "41"]
    assert [(s.domain, s.issue) for s in good[1:3]] == [
        ("Relationship", "Breakup/Divorce"),
        ("unknown", "Night Gardening"),
    ]
    assert good[2].profile[1] is None, "Unknown is missing"
    assert good[2].profile[8] == "None", "None is a value"
    assert {s.source for s in good} == {"queries.json"}


def test_queries_that_are_no_multiple_of_the_profiles_are_refused(tmp_path: Path) -> None:
    profiles, queries = pair(tmp_path, PEOPLE, form1(QUERIES[:3]))
    with pytest.raises(FormatError, match=r"queries\.json: 3 queries are no multiple of the 2 profiles"):
        read_scenarios([profiles, queries])


def test_a_lone_file_of_a_pair_names_what_is_missing(tmp_path: Path) -> None:
    profiles, queries = pair(tmp_path, PEOPLE, form1(QUERIES))
    with pytest.raises(FormatError, match="give its queries file"):
        read_scenarios([profiles])
    with pytest.raises(FormatError, match="give its profiles file"):
        read_scenarios([queries])


def test_several_pairs_are_joined_in_the_order_given(tmp_path: Path) -> None:
    first = put(tmp_path / "p1.json", PEOPLE[:1]), put(tmp_path / "q1.json", form1(QUERIES[:1]))
    second = put(tmp_path / "p2.json", PEOPLE[1:]), put(tmp_path / "q2.json", form1(QUERIES[1:]))
    good, bad = read(first[0], second[0], first[1], second[1])
    assert not bad
    assert [s.profile[0] for s in good] == ["25-34", "41", "41", "41"]


def test_a_bad_profile_keeps_its_place(tmp_path: Path) -> None:
    profiles, queries = pair(tmp_path, [["not a person"], PEOPLE[1], {"Age": ["30"]}], form1([*QUERIES, "a", "b"]))
    good, bad = read(profiles, queries)
    assert [s.query for s in good] == list(QUERIES[2:4])
    assert {s.profile[0] for s in good} == {"41"}
    assert [p.position for p in bad] == ["record 1", "record 3"]
    assert "a list is not an object" in bad[0].reason
    assert f"its queries 1 to 2 of {queries} are left out" in bad[0].reason
    assert "queries 5 to 6" in bad[1].reason


@pytest.mark.parametrize("query", [None, "", "  \n", ["x"], {"a": 1}, True, "\0", "\ud800"])
def test_a_bad_query_keeps_its_place(tmp_path: Path, query: object) -> None:
    profiles, queries = pair(tmp_path, PEOPLE, form1([QUERIES[0], query, *QUERIES[2:]]))
    good, bad = read(profiles, queries)
    assert [s.query for s in good] == [QUERIES[0], *QUERIES[2:]]
    assert [p.position for p in bad] == ["record 2"]
    assert bad[0].file == str(queries)


def test_a_pair_that_breaks_off_is_refused_since_nobody_knows_what_belongs_together(tmp_path: Path) -> None:
    profiles, queries = pair(tmp_path, PEOPLE, form1(QUERIES))
    queries.write_text(queries.read_text()[:-20])
    with pytest.raises(FormatError, match=r"queries\.json, record 4: not valid JSON at line 1"):
        read_scenarios([profiles, queries])


def test_form_2(tmp_path: Path) -> None:
    path = put(
        tmp_path / "two.json",
        [
            {"Scenario": "Night Gardening", "User_Profile": PEOPLE[0], "Queries": [QUERIES[0], 7, ["x"], QUERIES[1]]},
            {"User_Profile": PEOPLE[0], "Queries": [QUERIES[2]]},
            {"User_Profile": "someone", "Queries": []},
            {"User_Profile": {}, "Queries": "q"},
        ],
    )
    assert detect(path) is Format.GROUPED
    good, bad = read(path)
    assert [(s.query, s.issue) for s in good] == [
        (QUERIES[0], "Night Gardening"),
        ("7", "Night Gardening"),
        (QUERIES[1], "Night Gardening"),
        (QUERIES[2], "Breakup/Divorce"),
    ]
    assert [p.position for p in bad] == ["record 1, query 3", "record 3", "record 4"]


CSV = """\ufeff Query ,scenario,SOURCE,age,Marital_Status\r
"What now?\r
And then?",life,real,30,\r
short,row\r
,Life,real,30,Single\r
"Can I ""rest""?",Night Gardening,,,N/A\r
"""


def test_dataset_csv_with_quoted_newlines_short_rows_and_loose_headers(tmp_path: Path) -> None:
    good, bad = read(put(tmp_path / "rows.csv", CSV))
    assert [(s.query, s.domain, s.issue, s.source) for s in good] == [
        ("What now?\r\nAnd then?", "Life", "", "real"),
        ('Can I "rest"?', "unknown", "Night Gardening", "rows.csv"),
    ]
    assert [s.profile.known for s in good] == [1, 0]
    assert [(p.position, p.reason) for p in bad] == [
        ("line 4", "2 cells where the header names 5 columns"),
        ("line 5", "a scenario needs a query"),
    ]


def test_a_quote_that_never_closes_is_reported(tmp_path: Path) -> None:
    good, bad = read(put(tmp_path / "rows.csv", 'query,age\nfirst,20\n"second,30\nthird,40\n'))
    assert [s.query for s in good] == ["first"]
    assert [p.position for p in bad] == ["line 3"]
    assert "never closes" in bad[0].reason


def test_a_broken_row_costs_no_other(tmp_path: Path) -> None:
    good, bad = read(
        put(tmp_path / "rows.csv", b'query,age\nfirst,20\n"se"cond,30\nthi\xffrd,40\nfo\0urth,50\nfifth,60\n')
    )
    assert [s.query for s in good] == ["first", "fifth"]
    assert [p.position for p in bad] == ["line 3", "line 4", "line 5"]
    assert "not UTF-8 at its character 4" in bad[1].reason
    assert "NUL" in bad[2].reason


def test_jsonl_goes_on_after_a_bad_line(tmp_path: Path) -> None:
    lines = ['{"query": "a", "age": 1e5}', "{", "", "[" * 5000, '{"query": "b", "age": "x", "age": NaN}', '"c"']
    good, bad = read(put(tmp_path / "rows.jsonl", "\n".join(lines)))
    assert [(s.query, s.profile[0]) for s in good] == [("a", "1e5"), ("b", None)]
    assert [p.position for p in bad] == ["line 2", "line 4", "line 6"]


def test_json_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    good, bad = read(put(tmp_path / "rows.json", '[{"query": "a"},\n {"query": "b"},\n {"query": c}, {"query": "d"}]'))
    assert [s.query for s in good] == ["a", "b"]
    assert [p.position for p in bad] == ["record 3"]
    assert "line 3" in bad[0].reason
    assert "nothing after it was read" in bad[0].reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("] {}", "text after the end"),
        (", ]", "expecting value"),
        (' {"query": "b"}]', "expecting ',' or ']'"),
        ("", "expecting ',' or ']'"),
        (', {"query": "b"', "expecting ',' delimiter"),
        (', {"query": "b', "unterminated string"),
        (", " + "[" * 100_000, "nested too deeply"),
        (', {"b": ' + "[" * 100_000 + "]" * 100_000 + "}]", "nested too deeply"),
    ],
)
def test_damage_after_a_record_costs_what_follows(tmp_path: Path, content: str, reason: str) -> None:
    good, bad = read(put(tmp_path / "rows.json", '[{"query": "a"}' + content))
    assert [s.query for s in good] == ["a"]
    assert len(bad) == 1
    assert reason in bad[0].reason


def test_huge_numbers_are_texts(tmp_path: Path) -> None:
    number = "9" * 6000
    good, bad = read(
        put(tmp_path / "rows.json", f'[{{"query": "a", "age": {number}}}, {{"query": "b", "age": 1e999999}}]')
    )
    assert not bad
    assert [s.profile[0] for s in good] == [number, "1e999999"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_every_chunk_size_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    text = (
        '\ufeff [ {"query": "é\\u00e9 [1, 2]", "age": 12.50},\n\n1234.5 , -1e5,true,\r\n{"query":"}]","age":null}\t]\n '
    )
    path = put(tmp_path / "rows.json", text)
    whole = read(path)
    monkeypatch.setattr(records_module, "_CHUNK", chunk)
    assert read(path) == whole
    assert [s.query for s in whole[0]] == ["éé [1, 2]", "}]"]
    assert [p.position for p in whole[1]] == ["record 2", "record 3", "record 4"]


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows.csv"])
def test_records_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(records_module, "MAX_RECORD", 2000)
    monkeypatch.setattr(records_module, "_CHUNK", 100)
    monkeypatch.setattr("csv.field_size_limit", lambda *_: 131072)
    long = "x" * 5000
    content = {
        "rows.json": f'[{{"query": "a"}}, {{"query": "{long}',
        "rows.jsonl": f'{{"query": "a"}}\n{{"query": "{long}"}}\n',
        "rows.csv": f"query,age\na,1\n{long},2\n",
    }[name]
    good, bad = read(put(tmp_path / name, content))
    assert [s.query for s in good] == ["a"]
    assert len(bad) == 1


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table(
        {"query": ["a", None, "c"], "age": [30.0, 31.0, float("nan")], "gender": ["", None, "Female"]}
    )
    path = tmp_path / "rows.bin"
    parquet.write_table(table, path)
    good, bad = read(path)
    assert [(s.query, s.profile[0], s.profile[1]) for s in good] == [("a", "30", None), ("c", None, "Female")]
    assert [(p.position, p.reason) for p in bad] == [("record 2", "the query is missing")]
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(FormatError, match="not valid Parquet"):
        detect(path)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(FormatError, match="`parquet` extra"):
        detect(put(tmp_path / "rows.parquet", b"PAR1"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        ("[]", "no records"),
        ("query,age\n", "no records"),
        ('[{"query": "a"}]'.encode("utf-16"), "UTF-16"),
        ('{"a": {\n}}', "neither a JSON array nor"),
        ("[1, 2]", "is not an object"),
        ('[{"name": "x"}]', "no keys or columns of a known format; expected"),
        ("name,place\nx,y\n", "no keys or columns of a known format; expected"),
        (b"\x89PNG\r\n\x1a\n\0\0", "expected"),
    ],
)
def test_unknown_files_are_refused_in_one_line(tmp_path: Path, content: object, reason: str) -> None:
    path = put(tmp_path / "file.json", content)
    with pytest.raises(FormatError) as caught:
        detect(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(FormatError, match="can't be read"):
            detect(path)


def test_results_are_no_scenarios(tmp_path: Path) -> None:
    path = put(tmp_path / "index.csv", "Index,User Query,Best Path\n0,q,['Age']\n")
    with pytest.raises(FormatError, match="a planner index holds no scenarios"):
        read_scenarios([path])


def test_own_form_keeps_its_domain_and_refuses_strange_ones(tmp_path: Path) -> None:
    own = Scenario("a", Scenario.from_dict({"query": "a", "profile": PEOPLE[1]}).profile, "Career", "Night Gardening")
    strange = own.to_dict() | {"domain": "Moon"}
    path = put(tmp_path / "own.jsonl", "\n".join(map(json.dumps, [own.to_dict(), strange])))
    assert detect(path) is Format.SCENARIOS
    good, bad = read(path)
    assert good == [own]
    assert "'Moon' is none of" in bad[0].reason


def test_domain_map_and_source(tmp_path: Path) -> None:
    mapping = read_domain_map(put(tmp_path / "map.json", {"night  gardening": "life"}))
    assert mapping == {"night  gardening": "Life"}
    profiles, queries = pair(tmp_path, PEOPLE, form1(QUERIES))
    found = list(read_scenarios([profiles, queries], domain_map=mapping, source="mine"))
    assert [(s.domain, s.source) for s in found if isinstance(s, Scenario)][2:] == [("Life", "mine")] * 2


@pytest.mark.parametrize("content", ['["Career"]', '{"x": "Moon"}', '{"x": 1}', "{", b"\xff", '{"x": ' + "[" * 9999])
def test_bad_domain_maps(tmp_path: Path, content: object) -> None:
    with pytest.raises(FormatError, match=r"map\.json: "):
        read_domain_map(put(tmp_path / "map.json", content))


def test_published_sample() -> None:
    folder = os.environ.get("WORKBENCH_PENGUIN_SAMPLE")
    if not folder or not Path(folder).is_dir():
        pytest.skip("WORKBENCH_PENGUIN_SAMPLE names no folder")
    good, bad = read(Path(folder) / "profiles.json", Path(folder) / "queries.json")
    assert (len(good), len(bad)) == (700, 0)
    assert len({s.profile.id for s in good[:10]}) == 1
    assert good[9].profile != good[10].profile
    assert {s.domain for s in good} >= {"Career", "Health"}
    assert all(s.domain != "unknown" and s.profile[8] is not None for s in good)
