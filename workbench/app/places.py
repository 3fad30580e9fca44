"""The palette's places: scenarios, runs and bookmarks, found by what is typed."""

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from storage.notes import bookmarks, find_marked
from storage.readers import list_runs
from storage.scenarios import find_scenario, list_scenarios
from workbench.app.state.links import parse_link
from workbench.text import plain

if TYPE_CHECKING:
    from simulator.scenario import Scenario
    from storage.sqlite import Database
    from workbench.app.app import WorkbenchApp

_MOST = 12
"""Places of a kind at most; more letters find the others."""


class Places(Provider):
    """Goes to a scenario (by id or words of its query), a run, a bookmark, what a note or a tag is on, or a link."""

    @property
    def _app(self) -> "WorkbenchApp":
        return cast("WorkbenchApp", self.app)

    async def discover(self) -> Hits:
        """Yield the bookmarks, before anything is typed."""
        for target in (await self._app.read(bookmarks))[:_MOST]:
            link = parse_link(target)
            yield DiscoveryHit(f"★ {plain(target)}", partial(self._app.follow_link, link), help="bookmark")

    async def search(self, query: str) -> Hits:
        """Yield what fits."""
        text = query.strip()
        if not text:
            return
        try:
            link = parse_link(text)
        except ValueError:
            pass
        else:
            yield Hit(1.0, Content(plain(f"open {link}")), partial(self._app.follow_link, link), help="deep link")
        matcher = self.matcher(text)
        for row in await self._app.read(list_runs):
            label = f"run {row['run']}"
            if (score := matcher.match(label)) > 0:
                about = plain(f"{row['kind']} · {row['state']} · {row['world']}")
                yield Hit(score, matcher.highlight(label), self._to("run", row["run"]), help=about)
        for target in (await self._app.read(bookmarks))[:_MOST]:
            label = f"★ bookmark {plain(target)}"
            if (score := matcher.match(label)) > 0:
                yield Hit(
                    score, matcher.highlight(label), partial(self._app.follow_link, parse_link(target)), help="bookmark"
                )
        for target, said in await self._app.read(lambda db: find_marked(db, text, _MOST)):
            label = f"✎ {self._app.sensitive(said)[:90]}"
            yield Hit(0.6, Content(label), partial(self._app.follow_link, parse_link(target)), help=plain(target))
        for scenario in await self._app.read(partial(_scenarios, text)):
            shown = self._app.sensitive(scenario.query)
            label = f"{scenario.id[:8]} {plain(scenario.domain)}: {shown[:90]}"
            yield Hit(0.5, Content(label), self._to("scenario", scenario.id), help="scenario")

    def _to(self, kind: str, identifier: str) -> partial[None]:
        return partial(self._app.follow_link, parse_link(f"{kind}/{identifier}"))


def _scenarios(text: str, db: "Database") -> "list[Scenario]":
    from storage.errors import NotFoundError

    found = list(list_scenarios(db, search=text, limit=_MOST))
    try:
        exact = find_scenario(db, text)
    except NotFoundError:
        return found
    return [exact, *(s for s in found if s.id != exact.id)][:_MOST]
