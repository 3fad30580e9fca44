"""The keys of all screens: few in the footer, each with an id, none taken twice, all of them in docs/app.md."""

import asyncio
import pkgutil
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets._footer import FooterKey

import workbench.app
from storage.database import open_readonly
from tests.workbench.app.driving import drive, driving, screen_text, settled, until
from workbench.app.frame import SCREENS
from workbench.app.keys import faults
from workbench.app.state.settings import Settings

DOCUMENT = Path(__file__).parents[3] / "docs" / "app.md"

EVERYWHERE = ("WorkbenchApp", "WorkbenchScreen", "LineList")
"""Whose keys hold on every screen."""

SHOWN_ON = {
    "Scenarios": ("ScenariosScreen", "ScenarioTable"),
    "Search": ("SearchScreen", "TreeView", "LatticeView", "Inspector"),
    "Dialogues": ("DialoguesScreen", "Transcript", "ReplyInput"),
    "Scores": ("ScoresScreen", "ScoreMatrix", "Scatter", "Answer"),
    "Runs": ("RunsScreen", "LogLines"),
    "Workers": ("WorkersScreen",),
}
"""Screens, and the classes whose keys are theirs."""


def classes() -> Iterator[type]:
    """Find every class of the app that defines keys."""
    for module in pkgutil.walk_packages(workbench.app.__path__, "workbench.app."):
        for found in vars(import_module(module.name)).values():
            if isinstance(found, type) and found.__module__ == module.name and "BINDINGS" in vars(found):
                yield found


def bindings(found: type) -> list[Binding]:
    """List the keys that a class itself defines."""
    return [each if isinstance(each, Binding) else Binding(*each) for each in vars(found)["BINDINGS"]]


ALL = {found.__name__: found for found in classes()}


def keys_of(binding: Binding) -> list[str]:
    """List the keys of a binding."""
    return binding.key.split(",")


def test_every_key_has_an_id_of_its_own() -> None:
    actions: dict[str, tuple[str, str]] = {}
    for found in ALL.values():
        for binding in bindings(found):
            assert binding.id, f"{found.__name__}: {binding}"
            what = (binding.action, binding.description)
            # A kind of list may bind what lists do to fewer keys; it means the same.
            assert actions.setdefault(binding.id, what) == what, binding.id


def test_no_screen_takes_a_key_that_holds_everywhere() -> None:
    taken = {key for name in EVERYWHERE[:2] for binding in bindings(ALL[name]) for key in keys_of(binding)}
    assert {"1", "6", "question_mark", "ctrl+p", "e", "q", "ctrl+q", "tab", "y", "m", "asterisk", "T", "B"} <= taken
    for name, found in ALL.items():
        if name not in EVERYWHERE and not issubclass(found, ModalScreen):
            own = {key for binding in bindings(found) for key in keys_of(binding)}
            assert not own & taken, name


def test_what_the_footer_says_is_short() -> None:
    for found in ALL.values():
        for binding in bindings(found):
            assert not binding.show or len(binding.description.split()) <= 2, binding


@pytest.mark.parametrize("number", range(1, 7))
def test_the_footer_has_eight_keys_at_most(prepared: Path, number: int) -> None:
    db = open_readonly(prepared)
    first = dict(db.execute("select kind, min(id) from units group by kind").fetchall())
    (dialogue,) = db.execute("select min(unit) from dialogues").fetchone()
    db.close()
    links = {"search": f"search/{first['search']}", "dialogues": f"dialogue/{dialogue}"}

    def footer(pilot: Pilot[None]) -> list[str]:
        return [key.description for key in pilot.app.screen.query(FooterKey)]

    async def run() -> None:
        async with driving(prepared, link=links.get(SCREENS[number - 1])) as pilot:
            await pilot.press(str(number))
            await settled(pilot)
            await until(pilot, lambda: "Palette" in footer(pilot))
            assert 3 <= len(footer(pilot)) <= 8

    asyncio.run(run())


def test_the_document_has_every_key() -> None:
    wanted = "\n".join(tables())
    text = DOCUMENT.read_text("utf-8")
    assert wanted in text, f"docs/app.md, under `## Keys`, is to hold\n\n{wanted}"


def tables() -> Iterator[str]:
    """Yield the lines of the document's tables of keys."""
    for title, names in {"Everywhere": EVERYWHERE, **SHOWN_ON}.items():
        yield from (f"### {title}", "| key | what it does | id |", "|---|---|---|")
        for name in names:
            for binding in bindings(ALL[name]):
                keys = " ".join(f"`{shown(key)}`" for key in keys_of(binding))
                yield f"| {keys} | {binding.description} | {binding.id} |"
        yield ""


def shown(key: str) -> str:
    """Write a key as people do."""
    words = [_SIGNS.get(part, part) for part in key.split("+")]
    return "+".join(words)


_SIGNS = {
    "question_mark": "?",
    "asterisk": "*",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "plus": "+",
    "minus": "-",
}


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"scenarios.plan": "f5, ctrl+é", "app.help": "h,?", "ask.yes": "j", "search.play": "r"}, ["'h'", "'h'"]),
        ({"scenarios.plan": "r", "scenarios.run": "p"}, []),  # each takes the other's
        ({"scenarios.plan": "d"}, ["'scenarios.plan' and 'scenarios.dialogue' both want 'd'"]),
        ({"scenarios.plan": "question_mark"}, ["'scenarios.plan' and 'app.help' both want '?'"]),
        ({"scenarios.plan": "f5", "scenarios.run": "f5"}, ["'scenarios.plan' and 'scenarios.run' both want 'f5'"]),
        ({"plan": "f5"}, ["'plan' is no key's id"]),
        ({"scenarios.plan": "f99"}, ["'scenarios.plan': there is no key 'f99'"]),
        ({"scenarios.plan": "ctl+p,"}, ["there is no key 'ctl+p'", "there is no key ''"]),
    ],
)
def test_what_is_wrong_with_the_keys_of_a_user_is_found(keys: dict[str, str], wrong: list[str]) -> None:
    found = faults(keys)
    assert len(found) == len(wrong)
    assert all(part in text for part, text in zip(wrong, found, strict=True))


def test_wrong_keys_are_told_and_texts_name_those_that_hold(tmp_path: Path) -> None:
    keys = {
        "plan": "x",
        "scenarios.plan": "f5,f6",
        "scenarios.run": "f7",
        "app.scenarios": "f1",
        "workers.start": "f8",
        "help.dismiss": "f9",
    }
    said = {
        "1": ["is no key's id", "Then f5 plans"],
        "2": ["Press f1 to pick a scenario, and f5 there"],
        "3": ["key f1", "f7, or"],
        "4": ["Press f1 to choose scenarios, then f7"],
        "5": ["press f7 for a run"],
    }

    async def steps(pilot: Pilot[None]) -> None:
        for number, texts in said.items():
            if number != "1":
                await pilot.press(number)
            await until(pilot, partial(_shows, pilot, *texts))
        await pilot.press("6", "x")
        await until(pilot, partial(_shows, pilot, "there is no worker: f8 starts some"))
        pilot.app.clear_notifications()  # they stand above it
        await pilot.press("question_mark")
        await until(pilot, partial(_shows, pilot, "f9 closes"))

    drive(tmp_path / "empty.db", steps, settings=Settings(toured=True, keys=keys))


def _shows(pilot: Pilot[None], *texts: str) -> bool:
    shown = screen_text(pilot.app)
    return all(text in shown for text in texts)
