"""Deep links and settings, without the app."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.app.state.blur import blur
from workbench.app.state.links import KINDS, Link, parse_link
from workbench.app.state.settings import Settings, SettingsError, read_settings


@given(
    kind=st.sampled_from(KINDS), number=st.integers(0, 10**6), detail=st.sampled_from(["", "t=40", "step=2&arm=agent"])
)
def test_a_link_reads_as_it_was_written(kind: str, number: int, detail: str) -> None:
    link = parse_link(f"{kind}/{number}" + (f"?{detail}" if detail else ""))
    assert parse_link(str(link)) == link
    assert (link.kind, link.id, link.detail) == (kind, str(number), detail)


def test_details_are_read_by_name() -> None:
    link = Link("dialogue", "3", "step=2&arm=agent")
    assert (link.number("step"), link.value("arm"), link.number("arm"), link.value("t")) == (2, "agent", None, None)


@pytest.mark.parametrize("text", ["", "run", "run/", "runs/3", "search/abc", "dialogue/-1", "/3", f"search/{2**63}"])
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no link"):
        parse_link(text)


@given(st.text())
def test_blurred_text_keeps_its_shape_and_says_nothing(text: str) -> None:
    covered = blur(text)
    assert len(covered) == len(text)
    assert blur(covered) == covered
    assert not set(covered) & {c for c in text if not c.isspace() and c != "▒"}


def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("WORKBENCH_APP_CONFIG", raising=False)
    path = tmp_path / "config" / "personal-safety-workbench" / "app.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_settings_come_from_the_users_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home(monkeypatch, tmp_path, 'theme = "light"\nblurred = true\n[keys]\n"scenarios.plan" = "f5"\n')
    found = read_settings()
    assert (found.theme, found.blurred, dict(found.keys), found.toured) == (
        "light",
        True,
        {"scenarios.plan": "f5"},
        False,
    )


def test_what_is_remembered_is_found_again_and_the_users_file_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = home(monkeypatch, tmp_path, "")
    read_settings().remember(theme="high-contrast", toured=True)
    assert (read_settings().theme, read_settings().toured) == ("high-contrast", True)
    path.write_text('theme = "light"')
    assert read_settings().theme == "light"


def test_a_damaged_memory_is_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home(monkeypatch, tmp_path, "")
    memory = tmp_path / "state" / "personal-safety-workbench" / "app.json"
    memory.parent.mkdir(parents=True)
    for text in ("{", "[]", '{"theme": "gone", "toured": 1}'):
        memory.write_text(text)
        found = read_settings()
        assert (found.theme, found.toured) == (Settings().theme, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme = 3", "no theme 3"),
        ('theme = "pink"', "no theme 'pink'"),
        ("blurred = 1", "true or false"),
        ("colour = 1", "no setting 'colour'"),
        ("keys = 1", "table of texts"),
        ("[keys]\nx = 1", "table of texts"),
        ("=", "not TOML"),
    ],
)
def test_what_is_not_allowed_is_said_with_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, said: str
) -> None:
    path = home(monkeypatch, tmp_path, text)
    with pytest.raises(SettingsError, match=said) as caught:
        read_settings()
    assert str(path) in str(caught.value)
