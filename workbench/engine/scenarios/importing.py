"""Files into the database, whichever of the published formats they have (experiments.md, Published result files)."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import TypeVar

from simulator.attributes import NAMES
from simulator.domains import UNKNOWN_DOMAIN
from simulator.formats import (
    AgentRow,
    Format,
    JudgedRow,
    Problem,
    PublishedPath,
    background_text,
    detect,
    read_agent_output,
    read_domain_map,
    read_judged_output,
    read_library,
    read_scenarios,
)
from simulator.scenario import Profile, Scenario, query_key
from storage.imports import Entry, ImportSpec, QueryIndex, add_library, finish_import, library_id, save_imported
from storage.scenarios import add_scenarios
from storage.sqlite import Database
from workbench.version import __version__

_SHOWN = 20
"""Problems of a file that are reported one by one; the rest are counted."""

_ISSUES = 3
"""Issues of unknown domain that are named as examples."""

_BATCH = 100
"""Result rows a transaction: a response may be long."""

Report = Callable[[str], None]
"""Is told, a line each, what is wrong while the import goes on."""

_Row = TypeVar("_Row")


@dataclass
class FileReport:
    """What became of one file, or of a profiles and a queries file together.

    Fields:
        name, format: the file and what it holds.
        new, known: records that were added, and those that were there already or stand in the file twice.
        left_out: records that are not in it, each for a reason that was reported.
        unknown_domain: scenarios whose issue has no known domain; issues: some of these.
        place: the library or run that the records went to; empty for scenarios.
    """

    name: str
    format: str
    new: int = 0
    known: int = 0
    left_out: int = 0
    unknown_domain: int = 0
    issues: list[str] = field(default_factory=list)
    place: str = ""

    def line(self) -> str:
        """Say it in one line."""
        into = f", {self.place}" if self.place else ""
        text = f"{self.name} ({self.format}{into}): {self.new:,} new, {self.known:,} known already"
        if self.left_out:
            text += f", {self.left_out:,} left out"
        if self.unknown_domain:
            named = f" (such as {', '.join(map(repr, self.issues))})" if self.issues else ""
            text += f"; {self.unknown_domain:,} of unknown domain{named}: import again with --domain-map FILE to say it"
        return text


@dataclass
class ImportReport:
    """What became of every file, in the order of import."""

    files: list[FileReport] = field(default_factory=list)

    @property
    def problems(self) -> int:
        """How many records were left out."""
        return sum(file.left_out for file in self.files)

    def lines(self) -> list[str]:
        """Summarise the import, a line per file."""
        return [file.line() for file in self.files]


def import_files(
    db: Database, files: Sequence[Path], *, domain_map: Path | None = None, source: str | None = None, report: Report
) -> ImportReport:
    """Import files in bounded memory: scenarios first, then libraries, then the results that hang on scenarios.

    Everything is written in batches: whatever stops the import, whole batches stay, and the same import again adds the
    rest. Results are joined with stored scenarios by query text; see `_whose`.

    Args:
        domain_map: a file of issue name -> domain; also gives a domain to stored scenarios that had none.
        source: what every scenario's source becomes, where given.
        report: is told each record that was left out.

    Raises:
        FormatError: before anything is written, where a file can't be read as any known format, or profiles and
            queries do not belong together.
        sqlite3.Error: the database could not be written.
    """
    domains = read_domain_map(domain_map) if domain_map else None
    found = [(path, detect(path)) for path in files]

    def of(*formats: Format) -> list[Path]:
        return [path for path, kind in found if kind in formats]

    pairs = zip_longest(of(Format.PROFILES), of(Format.QUERIES))
    groups = [[path for path in pair if path] for pair in pairs]
    groups += [[path] for path in of(Format.GROUPED, Format.DATASET, Format.SCENARIOS)]
    # Opening reads enough to refuse what doesn't belong together: all of them, before the first is written.
    streams = [read_scenarios(group, domain_map=domains, source=source) for group in groups]

    kinds = dict(found)
    whole = ImportReport()
    for group, stream in zip(groups, streams, strict=True):
        intake = _Intake(group, [kinds[path] for path in group], report)
        whole.files.append(_scenarios(db, stream, intake))
    if results := [(path, kind) for path, kind in found if kind in _RESULTS]:
        index = QueryIndex(db)
        # Libraries first, as the formats stand in _RESULTS.
        for path, kind in sorted(results, key=lambda result: _RESULTS.index(result[1])):
            read = _library if kind is Format.PLANNER_INDEX else _results
            whole.files.append(read(db, path, index, _Intake([path], [kind], report)))
    return whole


_RESULTS = (Format.PLANNER_INDEX, Format.AGENT_OUTPUT, Format.JUDGED_OUTPUT)


class _Intake:
    """What comes out of one file: passes on what is good, reports and counts what is not."""

    def __init__(self, paths: Sequence[Path], kinds: Sequence[Format], report: Report) -> None:
        self.file = FileReport(" + ".join(map(str, paths)), " and ".join(k.replace("-", " ") for k in kinds))
        self.kind = kinds[0]
        self._report = report

    def good(self, items: Iterable[_Row | Problem]) -> Iterator[_Row]:
        for item in items:
            if isinstance(item, Problem):
                self.leave_out(item)
            else:
                yield item

    def leave_out(self, problem: Problem) -> None:
        self.file.left_out += 1
        if self.file.left_out <= _SHOWN:
            self._report(str(problem))

    def finish(self) -> FileReport:
        if self.file.left_out > _SHOWN:
            self._report(f"{self.file.name}: {self.file.left_out - _SHOWN:,} more left out")
        return self.file


def _scenarios(db: Database, stream: Iterable[Scenario | Problem], intake: _Intake) -> FileReport:
    file = intake.file

    def counted() -> Iterator[Scenario]:
        for scenario in intake.good(stream):
            if scenario.domain == UNKNOWN_DOMAIN:
                file.unknown_domain += 1
                if scenario.issue and scenario.issue not in file.issues and len(file.issues) < _ISSUES:
                    file.issues.append(scenario.issue)
            yield scenario

    file.new, file.known = add_scenarios(db, counted())
    return intake.finish()


def _library(db: Database, path: Path, index: QueryIndex, intake: _Intake) -> FileReport:
    """Import a planner index. It is read twice: its id is the hash of its content, and it is never held as a whole."""
    count = 0

    def counted() -> Iterator[Entry]:
        nonlocal count
        for row in intake.good(read_library(path)):
            count += 1
            yield Entry(row.query, row.path)

    def joined() -> Iterator[Entry]:
        for row in read_library(path):
            if isinstance(row, PublishedPath):
                owners = index.find(row.query)
                yield Entry(row.query, row.path, owners[0] if len(owners) == 1 else None)

    library = library_id(counted())
    if count:
        new = add_library(db, library, path.name, joined())
        intake.file.new, intake.file.known = (count, 0) if new else (0, count)
        intake.file.place = f"library {library}"
    return intake.finish()


def _results(db: Database, path: Path, index: QueryIndex, intake: _Intake) -> FileReport:
    """Import an agent output or a judged output as a read-only run."""
    with path.open("rb") as opened:
        identity = hashlib.file_digest(opened, "sha256").hexdigest()
    spec = ImportSpec(identity, path.name, intake.kind, __version__)
    rows: Iterator[AgentRow | JudgedRow | Problem] = (
        read_agent_output(path) if intake.kind is Format.AGENT_OUTPUT else read_judged_output(path)
    )
    good: Iterator[AgentRow | JudgedRow] = intake.good(rows)
    while batch := list(islice(good, _BATCH)):
        placed: list[tuple[str, AgentRow | JudgedRow]] = []
        for row in batch:
            try:
                placed.append((_whose(index, row).id, row))
            except ValueError as error:
                intake.leave_out(Problem(str(path), row.position, str(error)))
        if not placed:
            continue
        for (scenario, row), kept in zip(placed, save_imported(db, spec, placed), strict=True):
            intake.file.new += kept == "new"
            intake.file.known += kept == "stored"
            if kept == "other":
                reason = f"the file holds another result for scenario {scenario}, which was kept"
                intake.leave_out(Problem(str(path), row.position, reason))
    if intake.file.new or intake.file.known:
        finish_import(db, spec)
        intake.file.place = f"run {spec.run}"
    return intake.finish()


def _whose(index: QueryIndex, row: AgentRow | JudgedRow) -> Scenario:
    """Return the scenario that a result belongs to: the one with its query, and with its background where it has one.

    Raises:
        ValueError: there is none, or there are several that nothing tells apart.
    """
    found = index.find(row.query)
    if not found:
        raise ValueError("no stored scenario has this query: import its scenarios first")
    background = query_key(row.background) if isinstance(row, JudgedRow) else ""
    if background:
        found = [s for s in found if not _contradicts(background, s.profile)]
        if not found:
            raise ValueError("its background is of nobody who asks this query in a stored scenario")
        if len(found) > 1:
            found = [s for s in found if query_key(background_text(s.profile)) == background] or found
    if len(found) > 1:
        raise ValueError(f"{len(found)} stored scenarios have this query, and the row does not say which it is")
    return found[0]


def _contradicts(background: str, profile: Profile) -> bool:
    """Tell whether a background (folded) names an attribute but not the value that the profile has for it."""
    return any(
        value is not None and f"{query_key(name)}:" in background and query_key(value) not in background
        for name, value in zip(NAMES, profile, strict=True)
    )
