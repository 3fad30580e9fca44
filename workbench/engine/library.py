"""Path libraries: gathered from searches, imports or files, and looked up for the planner arm's trials."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from planner.library import Library, LibraryEntry, Lookup
from simulator.dialogue import Neighbour
from simulator.embed import Embedder
from simulator.formats import PublishedPath, detect, read_library
from simulator.scenario import Scenario, query_key
from storage.errors import NotFoundError
from storage.readers import find_run, library_rows
from storage.runs import UnitKey
from storage.sqlite import Database
from workbench.engine.errors import UsageError


class Libraries:
    """The library of each model: a path planned for one model is shown to that model only.

    Entries without a model (published ones) are shown to every model.

    Fields:
        hash: content hash of all entries; it stands with every dialogue that used them.
    """

    def __init__(self, entries: Iterable[LibraryEntry] = ()) -> None:
        self._entries = tuple(sorted(entries, key=lambda entry: entry.id))
        self._own = {(e.scenario_id, e.model): e.path for e in self._entries if e.scenario_id}
        self._found: dict[UnitKey, tuple[Neighbour, ...]] = {}
        self.hash = _hash(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def look_up(
        self,
        wanted: Sequence[tuple[UnitKey, Scenario]],
        k: int,
        *,
        embedder: Embedder,
        siblings: Mapping[str, Collection[str]] | None,
    ) -> None:
        """Find the neighbours of every unit at once; `neighbours` returns them from then on.

        Args:
            siblings: profile id -> folded queries of that profile. Entries of the same profile are left out, and all
                with one of its queries, since published entries name no profile. None = leaky: nothing is left out.

        Raises:
            EmbedderError: the embedder can't be used.
        """
        if not self._entries or not wanted:
            return
        texts = list(dict.fromkeys([*(e.query for e in self._entries), *(s.query for _, s in wanted)]))
        place = {text: i for i, text in enumerate(texts)}
        vectors = embedder.embed(texts)
        for model in dict.fromkeys(key.model for key, _ in wanted):
            entries = [entry for entry in self._entries if entry.model in ("", model)]
            library = Library(entries, vectors[[place[e.query] for e in entries]], fold=query_key)
            mine = [(key, scenario) for key, scenario in wanted if key.model == model]
            lookups = [
                Lookup() if siblings is None else Lookup(s.profile.id, siblings.get(s.profile.id, ())) for _, s in mine
            ]
            found = library.nearest_many(vectors[[place[s.query] for _, s in mine]], k, lookups)
            for (key, _), near in zip(mine, found, strict=True):
                self._found[key] = tuple(
                    Neighbour(f.entry.query, f.entry.path, f.entry.score, f.distance, f.entry.id) for f in near
                )

    def neighbours(self, key: UnitKey) -> tuple[Neighbour, ...]:
        """Return the neighbours that `look_up` found for a unit, nearest first."""
        return self._found.get(key, ())

    def own_path(self, scenario: str, model: str) -> tuple[int, ...] | None:
        """Return the path that was planned for a scenario and model, or None where there is none."""
        return self._own.get((scenario, model)) or self._own.get((scenario, ""))


def queries_by_profile(db: Database, scenarios: Iterable[Scenario]) -> dict[str, set[str]]:
    """Return the folded queries of every profile, of those stored and of those given."""
    found: dict[str, set[str]] = defaultdict(set)
    for profile, query in db.conn.execute("select profile_id, query from scenarios"):
        found[profile].add(query_key(query))
    for scenario in scenarios:
        found[scenario.profile.id].add(query_key(scenario.query))
    return found


def planned_library(db: Database, run: str) -> Libraries:
    """Gather the paths that the finished searches of a run planned."""
    rows = db.query(
        "select units.scenario, units.model, scenarios.query, scenarios.profile_id, searches.best_path, "
        "searches.best_q from searches join units on units.id = searches.unit "
        "join scenarios on scenarios.id = units.scenario where units.run = ? and units.state = 'done'",
        [run],
    )
    return Libraries(
        LibraryEntry(
            id=f"{row['scenario']}:{row['model']}",
            query=row["query"],
            path=tuple(json.loads(row["best_path"])),
            score=row["best_q"],
            scenario_id=row["scenario"],
            profile_id=row["profile_id"],
            model=row["model"],
        )
        for row in rows
    )


def open_library(db: Database, name: str) -> Libraries:
    """Open the library that `--index` names: a planner index file, an imported library, or a run's searches.

    Raises:
        UsageError: there is no such thing, or it holds no path. FormatError: the file can't be read.
    """
    path = Path(name)
    if path.is_file():
        libraries = Libraries(_file_entries(path))
    else:
        try:
            libraries = Libraries(map(_stored_entry, library_rows(db, name)))
        except NotFoundError:
            try:
                libraries = planned_library(db, find_run(db, name)["run"])
            except NotFoundError as error:
                raise UsageError(f"--index {name}: no such file, imported library or run") from error
    if not len(libraries):
        raise UsageError(f"--index {name}: it holds no planned path")
    return libraries


def _file_entries(path: Path) -> Iterable[LibraryEntry]:
    if detect(path) != "planner-index":
        raise UsageError(f"--index {path}: not a planner index (CSV with Index, User Query, Best Path)")
    for number, item in enumerate(read_library(path)):
        if isinstance(item, PublishedPath):
            yield LibraryEntry(f"{number:07}", item.query, item.path, published=True)


def _stored_entry(row: Mapping[str, object]) -> LibraryEntry:
    score, path = row["score"], row["path"]
    assert isinstance(path, tuple)
    return LibraryEntry(
        id=f"{row['position']:07}",
        query=str(row["query"]),
        path=path,
        score=score if isinstance(score, float) else None,
        scenario_id=str(row["scenario"] or ""),
        profile_id=str(row["profile_id"] or ""),
        model=str(row["model"] or ""),
        published=bool(row["published"]),
    )


def _hash(entries: Sequence[LibraryEntry]) -> str:
    lines = [(e.query, e.path, e.score, e.scenario_id, e.profile_id, e.model, e.published) for e in entries]
    return hashlib.sha256(json.dumps(sorted(lines, key=repr)).encode()).hexdigest()
