"""Scenarios out of every published format: joined, checked, streamed (raise.md, section 2)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from simulator.attributes import attribute_index
from simulator.domains import DOMAINS, UNKNOWN_DOMAIN, issues
from simulator.formats.detection import Format, detect
from simulator.formats.problems import FormatError, Problem, excerpt
from simulator.formats.records import Record, fold, read_records, text
from simulator.scenario import Profile, Scenario, is_missing

_DOMAIN = {fold(domain): domain for domain in DOMAINS}


def read_scenarios(
    paths: Sequence[Path], *, domain_map: Mapping[str, str] | None = None, source: str | None = None
) -> Iterator[Scenario | Problem]:
    """Stream the scenarios of files; what can't be read comes as a problem in its place.

    Files of profiles and files of queries (form 1) are joined by position, the first of the one with the first of the
    other and so on; a bad record keeps its place in the join. All other files stand for themselves.

    Args:
        paths: the files, in any order and container.
        domain_map: issue name -> domain, before the 140 known names; an issue that is in neither gives `unknown`.
        source: what every scenario's source becomes; None = the record's own, else the file's name.

    Raises:
        FormatError: at once, before anything is read: a file of no known or of another format, a profiles file
            without its queries or the other way round, a number of queries that is no multiple of the profiles.
    """
    found = [(path, detect(path)) for path in paths]
    profiles = [path for path, kind in found if kind is Format.PROFILES]
    queries = [path for path, kind in found if kind is Format.QUERIES]
    if len(profiles) > len(queries):
        raise FormatError(profiles[len(queries)], "profiles alone: give its queries file (query_id) with it")
    if len(queries) > len(profiles):
        raise FormatError(queries[len(profiles)], "queries alone: give its profiles file with it")
    known = {fold(issue.name): issue.domain for issue in issues()}
    reader = _Reader(known | {fold(name): domain for name, domain in (domain_map or {}).items()}, source)
    streams = [reader.joined(*pair, _block(*pair)) for pair in zip(profiles, queries, strict=True)]
    readers: dict[Format, Callable[[Path], Iterator[Scenario | Problem]]] = {
        Format.GROUPED: reader.grouped,
        Format.DATASET: reader.dataset,
        Format.SCENARIOS: reader.scenarios,
    }
    for path, kind in found:
        if kind in readers:
            streams.append(readers[kind](path))
        elif kind not in (Format.PROFILES, Format.QUERIES):
            raise FormatError(path, f"a {kind.replace('-', ' ')} holds no scenarios")
    return chain.from_iterable(streams)


def read_domain_map(path: Path) -> dict[str, str]:
    """Read `--domain-map`: a JSON object of issue name -> domain.

    Raises:
        FormatError: it can't be read, is no such object, or names a domain that isn't one of the seven.
    """
    try:
        mapping = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise FormatError(path, f"can't be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(path, f"not valid JSON ({error})") from error
    if not isinstance(mapping, dict):
        raise FormatError(path, 'expected an object of issue names and domains, such as {"Night Shifts": "Career"}')
    for issue, domain in mapping.items():
        if not isinstance(domain, str) or fold(domain) not in _DOMAIN:
            raise FormatError(path, f"{excerpt(issue)}: {excerpt(domain)} is none of {', '.join(DOMAINS)}")
    return {issue: _DOMAIN[fold(domain)] for issue, domain in mapping.items()}


def readable(path: Path) -> Iterator[Record | Problem]:
    """Stream the records of a file; where the rest of it can't be read, that is the last problem."""
    try:
        yield from read_records(path)
    except FormatError as error:
        lost = "; nothing after it was read" if error.position else ""
        yield Problem(error.file, error.position, error.reason + lost)


def _block(profiles: Path, queries: Path) -> int:
    """Return how many queries belong to one profile; both files are read once, whole, to count."""
    n_profiles, n_queries = (sum(1 for _ in read_records(path)) for path in (profiles, queries))
    if n_queries % n_profiles or not n_queries:
        raise FormatError(
            queries,
            f"{n_queries} queries are no multiple of the {n_profiles} profiles in {profiles}, "
            "so it is unknown which belong together",
        )
    return n_queries // n_profiles


def _profile(record: Mapping[str, Any]) -> Profile:
    for key, value in record.items():
        if attribute_index(key) is not None and not is_missing(value):
            text(value, key)
    return Profile.from_mapping(record)


def _optional(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    written = "" if value is None else text(value, key)
    return written if written.strip() else ""


@dataclass(frozen=True, slots=True)
class _Reader:
    """What is the same for every file of one import: issue name (folded) -> domain, and the source to set."""

    domains: Mapping[str, str]
    source: str | None

    def scenario(self, query: object, profile: Profile, issue: str, source: str) -> Scenario:
        """Build a scenario; an issue that is a domain's own name says the domain and no issue."""
        name = fold(issue)
        domain = self.domains.get(name)
        if domain is None and name in _DOMAIN:
            domain, issue = _DOMAIN[name], ""
        source = source if self.source is None else self.source
        return Scenario(text(query, "the query"), profile, domain or UNKNOWN_DOMAIN, issue, source)

    def joined(self, profiles: Path, queries: Path, block: int) -> Iterator[Scenario | Problem]:
        """Join profiles with queries (form 1): `block` queries each."""
        asked = readable(queries)
        for at, person in enumerate(readable(profiles)):
            try:
                if isinstance(person, Problem):
                    raise ValueError(person.reason)
                profile, issue = _profile(person.data), _optional(person.data, "scenario")
            except ValueError as error:
                lost = f"its queries {at * block + 1} to {(at + 1) * block} of {queries} are left out"
                yield Problem(str(profiles), person.position, f"{error}; {lost}")
                for _ in islice(asked, block):
                    pass
                continue
            for item in islice(asked, block):
                yield (
                    item
                    if isinstance(item, Problem)
                    else self.asked(queries, item.position, item.data.get("query_id"), profile, issue)
                )

    def grouped(self, path: Path) -> Iterator[Scenario | Problem]:
        """Read queries, form 2: every record has its profile and a list of queries."""
        for item in readable(path):
            if isinstance(item, Problem):
                yield item
                continue
            person, asked = item.data.get("user_profile"), item.data.get("queries")
            try:
                if not isinstance(person, dict):
                    raise ValueError("User_Profile is not an object")
                if not isinstance(asked, list):
                    raise ValueError("Queries is not a list")
                person = {fold(key): value for key, value in person.items()}
                profile = _profile(person)
                issue = _optional(item.data, "scenario") or _optional(person, "scenario")
            except ValueError as error:
                yield Problem(str(path), item.position, str(error))
                continue
            for number, query in enumerate(asked, 1):
                yield self.asked(path, f"{item.position}, query {number}", query, profile, issue)

    def dataset(self, path: Path) -> Iterator[Scenario | Problem]:
        """Read dataset rows."""

        def build(row: Mapping[str, Any]) -> Scenario:
            source = _optional(row, "source") or path.name
            return self.scenario(row.get("query"), _profile(row), _optional(row, "scenario"), source)

        return (item if isinstance(item, Problem) else self.one(path, item, build) for item in readable(path))

    def scenarios(self, path: Path) -> Iterator[Scenario | Problem]:
        """Read our own form; a domain that stands in the file is kept."""

        def build(data: Mapping[str, Any]) -> Scenario:
            person = data.get("profile")
            if not isinstance(person, dict):
                raise ValueError("profile is not an object")
            issue, domain = _optional(data, "issue"), _optional(data, "domain")
            if fold(domain) not in (*_DOMAIN, UNKNOWN_DOMAIN, ""):
                raise ValueError(f"{excerpt(domain)} is none of {', '.join(DOMAINS)}")
            source = _optional(data, "source") if "source" in data else path.name
            read = self.scenario(data.get("query"), _profile(person), issue, source)
            kept = _DOMAIN.get(fold(domain), read.domain)
            return Scenario(read.query, read.profile, kept, issue, read.source)

        return (item if isinstance(item, Problem) else self.one(path, item, build) for item in readable(path))

    def asked(self, path: Path, position: str, query: object, profile: Profile, issue: str) -> Scenario | Problem:
        """Build the scenario of one query whose profile is known, or say why not."""
        try:
            return self.scenario(query, profile, issue, path.name)
        except ValueError as error:
            return Problem(str(path), position, str(error))

    def one(self, path: Path, record: Record, build: Callable[[Mapping[str, Any]], Scenario]) -> Scenario | Problem:
        """Build one record's scenario, or say why not."""
        try:
            return build(record.data)
        except ValueError as error:
            return Problem(str(path), record.position, str(error))
