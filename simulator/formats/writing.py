"""Scenarios into every published format (raise.md, section 2), so that they go into the authors' scripts.

Missing values are written the published way: an absent key in JSON, an empty cell in CSV, null in Parquet. No published
format carries ids (they are computed again) or the domain: `Scenario` is the issue, or the domain's name where there
is none; an issue outside the 140 known ones comes back as `unknown`. Profiles and queries, in both forms, carry no
source; dataset rows carry nine attributes, without Past Self-Harm History. Our own form carries everything.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from simulator.attributes import ATTRIBUTES
from simulator.domains import UNKNOWN_DOMAIN
from simulator.formats.output import write_csv, write_json, write_jsonl, write_parquet
from simulator.formats.problems import FormatError
from simulator.scenario import Profile, Scenario

DATASET_ATTRIBUTES = tuple(a for a in ATTRIBUTES if a.key != "past_self_harm_history")
"""The nine attributes of a dataset row."""

DATASET_COLUMNS = ("query", "scenario", "source", *(a.key for a in DATASET_ATTRIBUTES))

_Groups = dict[tuple[str, str], tuple[Profile, list[str]]]


def write_scenarios(scenarios: Iterable[Scenario], path: Path, format: str) -> None:  # noqa: A002
    """Write scenarios in the format of that name, one of `WRITERS`.

    Args:
        scenarios: read once.
        path: the file; for `form1` the folder that gets `profiles.json` and `queries.json`.
        format: the name.

    Raises:
        FormatError: an unknown name, a file that can't be written, or scenarios that the format can't hold.
    """
    if format not in WRITERS:
        raise FormatError(path, f"no format {format!r}: use one of {', '.join(WRITERS)}")
    WRITERS[format](scenarios, path)


def write_profiles_and_queries(scenarios: Iterable[Scenario], profiles: Path, queries: Path) -> None:
    """Write form 1: people, and equal blocks of queries that belong to them by position.

    A block is as long as most profiles have queries. A profile with more is written again for each further block, and a
    block that its queries do not fill repeats them, as blocks of the published file do: reading leaves such out.

    Raises:
        FormatError: no scenarios.
    """
    groups = _grouped(scenarios)
    if not groups:
        raise FormatError(queries, "no scenarios to write")
    counts = Counter(len(asked) for _, asked in groups.values())
    block = max(counts, key=lambda count: (counts[count], count))
    people = (
        person
        for (_, label), (profile, asked) in groups.items()
        for person in [_person(label, profile)] * _blocks(asked, block)
    )
    texts = (
        {"query_id": query}
        for _, asked in groups.values()
        for query in islice(cycle(asked), _blocks(asked, block) * block)
    )
    write_json((profiles, people), (queries, texts))


def _blocks(queries: Sequence[str], block: int) -> int:
    """Return how many blocks hold the queries."""
    return -(-len(queries) // block)


def write_grouped(scenarios: Iterable[Scenario], path: Path) -> None:
    """Write form 2: every profile once, with its queries."""
    records = (
        {"Scenario": label, "User_Profile": _person(label, profile), "Queries": asked}
        for (_, label), (profile, asked) in _grouped(scenarios).items()
    )
    write_json((path, records))


def _label(scenario: Scenario) -> str:
    return scenario.issue or ("" if scenario.domain == UNKNOWN_DOMAIN else scenario.domain)


def _grouped(scenarios: Iterable[Scenario]) -> _Groups:
    groups: _Groups = {}
    for scenario in scenarios:
        key = (scenario.profile.id, _label(scenario))
        groups.setdefault(key, (scenario.profile, []))[1].append(scenario.query)
    return groups


def _person(label: str, profile: Profile) -> dict[str, str]:
    return {"Scenario": label} | {name: value for name, value in profile.to_mapping().items() if value is not None}


def _rows(scenarios: Iterable[Scenario]) -> Iterator[dict[str, str]]:
    for scenario in scenarios:
        values = zip(ATTRIBUTES, scenario.profile, strict=True)
        known = {a.key: value for a, value in values if value is not None and a in DATASET_ATTRIBUTES}
        yield {"query": scenario.query, "scenario": _label(scenario), "source": scenario.source, **known}


def _form1(scenarios: Iterable[Scenario], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(folder, f"form1 writes two files into a folder ({error.strerror or error})") from error
    write_profiles_and_queries(scenarios, folder / "profiles.json", folder / "queries.json")


def _dataset_csv(scenarios: Iterable[Scenario], path: Path) -> None:
    rows = ([row.get(column, "") for column in DATASET_COLUMNS] for row in _rows(scenarios))
    write_csv(path, DATASET_COLUMNS, rows)


WRITERS: dict[str, Callable[[Iterable[Scenario], Path], None]] = {
    "scenarios": lambda scenarios, path: write_jsonl(path, (s.to_dict() for s in scenarios)),
    "form1": _form1,
    "form2": write_grouped,
    "dataset-csv": _dataset_csv,
    "dataset-json": lambda scenarios, path: write_json((path, _rows(scenarios))),
    "dataset-jsonl": lambda scenarios, path: write_jsonl(path, _rows(scenarios)),
    "dataset-parquet": lambda scenarios, path: write_parquet(path, DATASET_COLUMNS, _rows(scenarios)),
}
"""Format name -> writer. `form1` writes a folder, all others a file."""
