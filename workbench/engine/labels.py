"""Ratings by people as files: a sheet to rate on, which says nothing of arms, and the way back into the database."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planner.keyed import digest
from simulator.formats import FormatError, Problem
from simulator.formats.problems import excerpt
from simulator.formats.reading import readable
from simulator.formats.records import text
from simulator.scenario import Profile, describe
from simulator.world import DIMENSIONS, HUMAN
from storage.judgements import Ratable, blind_response, ratable_units
from storage.ratings import Rating, rating_rows, save_rating
from storage.sqlite import Database
from workbench.text import from_cell

_ALIASES: dict[str, tuple[str, ...]] = {
    "key": ("key", "row key"),
    "unit": ("unit", "unit id", "trial"),
    "scenario": ("scenario", "scenario id"),
    "arm": ("arm", "condition"),
    "model": ("model",),
    "rater": ("rater", "annotator", "evaluator", "coder", "labeller", "labeler"),
    "risk_sensitivity": ("risk sensitivity", "risk"),
    "emotional_empathy": ("emotional empathy", "empathy"),
    "user_alignment": ("user alignment", "user specific alignment", "alignment"),
    "score": ("score", "average", "average score", "mean", "overall", "rating", "label"),
    "comment": ("comment", "comments", "note", "notes", "remark", "rationale"),
}
"""Column -> how its header may read, case, `_` and `-` aside."""

_COLUMN = {alias: column for column, aliases in _ALIASES.items() for alias in aliases}
_PLACES = ("key", "unit", "scenario")
_VALUES = (*DIMENSIONS, "score")

_ROUNDING = 0.051
"""How far a score may be from the mean of its dimensions: files often keep one place."""


@dataclass
class LabelReport:
    """What became of a file of ratings.

    Fields:
        new, replaced: ratings that were stored, those included that took the place of the same person's earlier one.
        blank: rows that rate nothing: a sheet may be filled in part.
        raters: whose they are. responses: how many responses they are of.
        problems: rows that were left out, each with its line and reason.
    """

    new: int = 0
    replaced: int = 0
    blank: int = 0
    raters: tuple[str, ...] = ()
    responses: int = 0
    problems: list[Problem] = field(default_factory=list)


def sheet_key(run: str, unit: int) -> str:
    """Return what stands for a response in a sheet: it says nothing of scenario, arm or model, and is found again."""
    return f"r{digest('label sheet', run, unit):032x}"[:17]


def choose_units(units: Sequence[Ratable], count: int, seed: int) -> list[Ratable]:
    """Choose responses spread as evenly over arms (and models), then domains, as there are; in a random order.

    Args:
        count: how many; all where there are fewer.
        seed: the same seed chooses the same ones in the same order.
    """
    left: dict[tuple[str, str], dict[str, list[Ratable]]] = defaultdict(lambda: defaultdict(list))
    for unit in sorted(units, key=lambda unit: _shuffled(seed, unit)):
        left[unit.model, unit.arm][unit.domain].append(unit)
    groups, domains = Counter[tuple[str, str]](), Counter[str]()
    rank = {name: digest("label sheet", seed, *name) for name in left}
    chosen: list[Ratable] = []
    while left and len(chosen) < count:
        group = min(left, key=lambda name: (groups[name], rank[name]))
        domain = min(left[group], key=lambda name: (domains[name], name))
        chosen.append(left[group][domain].pop())
        groups[group] += 1
        domains[domain] += 1
        if not left[group][domain]:
            del left[group][domain]
        if not left[group]:
            del left[group]
    return sorted(chosen, key=lambda unit: _shuffled(seed, unit))


def _shuffled(seed: int, unit: Ratable) -> int:
    return digest("label order", seed, unit.scenario_id, unit.model, unit.arm)


def sheet_rows(
    db: Database, run: Mapping[str, Any], units: Sequence[Ratable], *, blind: bool
) -> Iterator[dict[str, object]]:
    """Stream the rows of a sheet: what was asked, by whom, what was answered, and empty cells to fill.

    Args:
        run: a row of `storage.readers.find_run`.
        blind: leave out unit, scenario, model and arm; the key alone tells the way back.
    """
    for unit in units:
        shown = blind_response(db, unit.unit)
        profile = Profile.from_mapping(shown.profile)
        named = {} if blind else {"unit": unit.unit, "scenario": unit.scenario_id, "model": unit.model, "arm": unit.arm}
        yield {
            "key": sheet_key(run["run"], unit.unit),
            "world": run["world"],
            **named,
            "query": shown.query,
            "profile": "\n".join(f"{name}: {value}" for name, value in describe(profile, profile.known)),
            "response": shown.text,
            **dict.fromkeys(DIMENSIONS),
            "comment": None,
            "rater": None,
        }


def import_labels(db: Database, run: str, path: Path, *, rater: str | None = None) -> LabelReport:
    """Store the ratings of a file, to be called inside `storage.database.transaction`: all that can be read, or none.

    Args:
        run: whose responses are rated; its full id.
        path: CSV (or JSON, JSONL, Parquet) with a row per rating. The response is named by the sheet's key, or its
            unit, or scenario with arm and model as far as they are needed; the rating is three dimensions (whole
            numbers 1-5) or a score (1-5). For headers see `_ALIASES`.
        rater: who rated the rows that don't say it.

    Raises:
        FormatError: the file can't be read, or has no column for a response or for a rating.
    """
    reader = _Reader(path, _Responses(run, ratable_units(db, run)), rater)
    ratings = list(reader.ratings())
    known = {(row["unit"], row["rater"]) for row in rating_rows(db, run)}
    report = LabelReport(blank=reader.blank, problems=reader.problems)
    for rating in ratings:
        save_rating(db, rating)
        if (rating.unit, rating.rater) in known:
            report.replaced += 1
        else:
            report.new += 1
    report.raters = tuple(sorted({rating.rater for rating in ratings}))
    report.responses = len({rating.unit for rating in ratings})
    return report


class _Responses:
    """Finds the response that a row means."""

    def __init__(self, run: str, units: Sequence[Ratable]) -> None:
        self.run = run
        self.of: dict[str, dict[str, list[Ratable]]] = {place: defaultdict(list) for place in _PLACES}
        for unit in units:
            self.of["key"][sheet_key(run, unit.unit)].append(unit)
            self.of["unit"][str(unit.unit)].append(unit)
            self.of["scenario"][unit.scenario_id].append(unit)

    def find(self, row: Mapping[str, str]) -> int:
        """Return the unit that a row names.

        Raises:
            ValueError: it names none, one that the run has not, or several.
        """
        place = next((place for place in _PLACES if row.get(place)), None)
        if place is None:
            raise ValueError("names no response: it needs a key, or a unit, or a scenario with its arm and model")
        # Where a row says more than it must, all of it has to be true of the response.
        fitting = [
            unit
            for unit in self.of[place].get(row[place], ())
            if row.get("unit", "") in ("", str(unit.unit))
            and row.get("scenario", "") in ("", unit.scenario_id)
            and row.get("arm", "") in ("", unit.arm)
            and row.get("model", "") in ("", unit.model, unit.model.partition("/")[2])
        ]
        if not fitting:
            named = ", ".join(f"{name} {excerpt(row[name])}" for name in (*_PLACES, "arm", "model") if row.get(name))
            raise ValueError(f"run {self.run} has no response with {named}")
        if len(fitting) > 1:
            several = "arm" if len({unit.arm for unit in fitting}) > 1 else "model"
            found = ", ".join(sorted({str(getattr(unit, several)) for unit in fitting}))
            raise ValueError(f"there are {len(fitting)} such responses: name the {several} ({found})")
        return fitting[0].unit


@dataclass
class _Reader:
    """Reads one file, row after row."""

    path: Path
    responses: _Responses
    rater: str | None
    blank: int = 0
    problems: list[Problem] = field(default_factory=list)

    def ratings(self) -> Iterator[Rating]:
        """Yield what can be read; the rest is counted or noted."""
        first: dict[tuple[int, str], str] = {}
        columns: dict[str, str] | None = None
        for item in readable(self.path):
            if isinstance(item, Problem):
                self.problems.append(item)
                continue
            columns = columns or self._columns(item.data)
            try:
                row = {
                    column: from_cell("" if (value := item.data.get(key)) is None else text(value, column)).strip()
                    for key, column in columns.items()
                }
                if not any(row.get(name) for name in (*_VALUES, "comment")):
                    self.blank += 1
                    continue
                rating = self._rating(row)
                earlier = first.setdefault((rating.unit, rating.rater), item.position)
                if earlier != item.position:
                    raise ValueError(f"{rating.rater} rates the response of {earlier} a second time")
            except ValueError as error:
                self.problems.append(Problem(str(self.path), item.position, str(error)))
            else:
                yield rating
        if columns is None and self.problems:
            raise FormatError(self.path, self.problems[0].reason, self.problems[0].position)
        if columns is None:
            raise self._unreadable("the file holds no rows")

    def _columns(self, record: Mapping[str, Any]) -> dict[str, str]:
        """Return which key of the records is which column."""
        columns: dict[str, str] = {}
        for key in record:
            column = _COLUMN.get(" ".join(key.replace("_", " ").replace("-", " ").split()))
            if column is not None:
                twin = next((other for other, known in columns.items() if known == column), None)
                if twin is not None:
                    raise FormatError(self.path, f"the columns {excerpt(twin)} and {excerpt(key)} both mean {column}")
                columns[key] = column
        if len(record) == 1 and ";" in next(iter(record)):
            raise FormatError(self.path, "its columns are separated by semicolons: save it with commas")
        if not set(columns.values()) & set(_PLACES):
            raise self._unreadable("no column names a response")
        if not set(columns.values()) & set(_VALUES):
            raise self._unreadable("no column rates anything")
        return columns

    def _unreadable(self, reason: str) -> FormatError:
        wanted = f"key, or unit, or scenario with arm and model; {', '.join(DIMENSIONS)}, or score; rater, comment"
        return FormatError(self.path, f"{reason}; expected {wanted}")

    def _rating(self, row: Mapping[str, str]) -> Rating:
        unit = self.responses.find(row)
        name = (row.get("rater") or self.rater or "").strip().removeprefix(HUMAN).strip()
        if not name:
            raise ValueError("says no rater: fill the column rater, or give --rater NAME")
        given = [dimension for dimension in DIMENSIONS if row.get(dimension)]
        score = _number(row["score"], "score") if row.get("score") else None
        dimensions: tuple[float, float, float] | None = None
        if given:
            missing = [dimension for dimension in DIMENSIONS if dimension not in given]
            if missing:
                raise ValueError(f"has no {' and no '.join(missing)}: it takes all three, or a score alone")
            one, two, three = (_whole(row[dimension], dimension) for dimension in DIMENSIONS)
            mean, dimensions = (one + two + three) / 3, (one, two, three)
            if score is not None and abs(score - mean) > _ROUNDING:
                raise ValueError(f"score is {score:g}, but its dimensions have the mean {mean:.2f}")
            score = mean
        if score is None:
            raise ValueError("has a comment, but rates nothing")
        return Rating(unit, name, dimensions, score, row.get("comment", ""), self.path.name)


def _number(written: str, name: str) -> float:
    try:
        value = float(written)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 5:
        raise ValueError(f"{name} is {excerpt(written)}, not a number from 1 to 5")
    return value


def _whole(written: str, name: str) -> float:
    value = _number(written, name)
    if not value.is_integer():
        raise ValueError(f"{name} is {excerpt(written)}, not a whole number from 1 to 5")
    return value
