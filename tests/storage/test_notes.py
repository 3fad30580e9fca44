"""Notes, tags, bookmarks and ratings in a real file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.database import open_readonly, open_writable, transaction
from storage.notes import Annotations, annotations, bookmarks, find_marked, set_bookmark, set_note, set_tags
from storage.ratings import Rating, rating_rows, save_rating


def test_notes_tags_and_bookmarks_last(tmp_path: Path) -> None:
    db = open_writable(tmp_path / "w.db")
    with transaction(db):
        set_note(db, "scenario/abc", "ask the team")
        set_tags(db, "scenario/abc", ["check", " pilot ", "check", ""])
        set_bookmark(db, "scenario/abc", True)
        set_bookmark(db, "scenario/abc", True)
    db.conn.close()
    db = open_readonly(tmp_path / "w.db")
    assert annotations(db, "scenario/abc") == Annotations("ask the team", ("check", "pilot"), True)
    assert annotations(db, "scenario/other") == Annotations()
    assert bookmarks(db) == ["scenario/abc"]


def test_an_empty_note_and_a_bookmark_taken_off_leave_nothing(tmp_path: Path) -> None:
    db = open_writable(tmp_path / "w.db")
    with transaction(db):
        set_note(db, "run/a", "x")
        set_note(db, "run/a", " ")
        set_bookmark(db, "run/a", True)
        set_bookmark(db, "run/a", False)
    assert annotations(db, "run/a") == Annotations()


@given(text=st.text(alphabet=st.characters(codec="utf-8")), tags=st.lists(st.text(max_size=5), max_size=4))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, text: str, tags: list[str]) -> None:
    db = open_writable(tmp_path_factory.getbasetemp() / "notes.db")
    with transaction(db):
        set_note(db, "run/a", text)
        set_tags(db, "run/a", [t for t in tags if t.isprintable()])
    found = annotations(db, "run/a")
    assert found.text == (text if text.strip() else "")
    assert set(found.tags) == {t.strip() for t in tags if t.isprintable()} - {""}
    db.conn.close()


def test_a_rating_replaces_the_same_raters_earlier_one(prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "w.db").write_bytes(prepared.read_bytes())
    db = open_writable(tmp_path / "w.db")
    run, unit = db.conn.execute("select run, id from units where kind = 'trial' order by id limit 1").fetchone()
    with transaction(db):
        save_rating(db, Rating(unit, "first", (1, 2, 3), 2))
        save_rating(db, Rating(unit, "first ", (5, 5, 5), 5, "on second thoughts"))
        save_rating(db, Rating(unit, "second", None, 3.5, source="labels.csv"))
    rows = rating_rows(db, run)
    assert [(r["rater"], r["score"], r["risk_sensitivity"]) for r in rows] == [("first", 5, 5), ("second", 3.5, None)]
    assert [r["comment"] for r in rating_rows(db, run, "first")] == ["on second thoughts"]


def test_notes_and_tags_are_found_by_what_they_say(tmp_path: Path) -> None:
    db = open_writable(tmp_path / "w.db")
    with transaction(db):
        set_note(db, "scenario/abc", "Ask the TEAM, 100 %")
        set_tags(db, "search/3", ["team", "pilot"])
    assert find_marked(db, "team", 9) == [("search/3", "#team"), ("scenario/abc", "Ask the TEAM, 100 %")]
    assert find_marked(db, "team", 1) == [("search/3", "#team")]
    assert find_marked(db, "#pil", 9) == [("search/3", "#pilot")]
    assert find_marked(db, "1%", 9) == []


@pytest.mark.parametrize("rating", [Rating(1, "a", (0, 1, 1), 1), Rating(1, "a", None, 5.5), Rating(1, " ", None, 3)])
def test_impossible_ratings_are_refused(tmp_path: Path, rating: Rating) -> None:
    db = open_writable(tmp_path / "w.db")
    with pytest.raises(ValueError, match="rating"):
        save_rating(db, rating)
