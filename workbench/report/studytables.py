"""The tables of a study as a report shows them."""

from collections.abc import Mapping

from workbench.figures import p_value
from workbench.report.parts import Cell, Mean, Table
from workbench.report.studyreading import StudyData
from workbench.report.tables import INTERVALS, ledger_totals
from workbench.statistics.bootstrap import Interval
from workbench.statistics.studytable import StudyTable, Value

PUBLISHED = "published"
_WHOSE = ("model", "source", "judge")


def mean_of(value: Value, signed: bool = False) -> Mean | None:
    """Return a value of a study's table as a mean; None where it is no number."""
    if isinstance(value, Interval):
        return Mean(value.mean, value.low, value.high, signed)
    return Mean(float(value), signed=signed) if isinstance(value, int | float) else None


def number_of(value: Value) -> float | None:
    """Return a value of a study's table as a number, without its interval; None where it is none."""
    mean = mean_of(value)
    return None if mean is None else mean.value


def table_of(made: StudyTable, key: str, world: str) -> Table:
    """Return a table of a study with every column that has something in it.

    A model, a source or a judge that is the same in every row stands in the title instead.
    """
    told = {
        name: dict.fromkeys(row.get(name) for row in made.rows if row.get(name) is not None) for name in made.columns
    }
    same = {name: next(iter(told[name])) for name in _WHOSE if len(told.get(name, ())) == 1}
    names = [name for name, values in told.items() if values and name not in same]
    whose = "".join(f" · {name}: {value}" for name, value in same.items() if name != "source")
    paired = any(made.signed(name) for name in names)
    notes = [INTERVALS, *(["Differences are paired on shared scenarios."] if paired else [])]
    notes += [f"{sentence(note)}." for note in made.notes]
    papers = frozenset(i for i, row in enumerate(made.rows) if row.get("source") == PUBLISHED)
    notes += ["Rows marked published are the paper's own figures."] if papers else []
    return Table(
        f"{made.title} · world: {world}{whose}",
        tuple(made.columns[name] for name in names),
        tuple(tuple(_cell(made, name, row) for name in names) for row in made.rows),
        " ".join(notes),
        papers,
        key,
    )


def sentence(words: str) -> str:
    """Return words as a sentence begins, without what ends it; a name of one letter stays as it is."""
    first = words[:1].upper() if words[1:2].isalpha() else words[:1]
    return f"{first}{words[1:]}".rstrip(".")


def runs_table(data: StudyData, key: str) -> Table:
    """Return where the numbers of a study come from, a row per run."""
    rows = []
    for run, account in data.accounts.items():
        row, totals = account.row, ledger_totals(account)
        labels = [
            part.part + "".join(f", {option} {value}" for option, value in part.setting.items())
            for part in data.parts
            if part.run == run
        ]
        rows.append(
            (
                run,
                "; ".join(labels),
                row["world_version"],
                str(row["seed"]),
                row["scenarios"],
                row["units"],
                account.failures.total(),
                *totals,
                row["library"][:12] if row["library"] else None,
                row["identity"][:12] if row["identity"] else None,
                row["code_version"],
                _minute(row["created_at"]),
                _minute(row["finished_at"]),
            )
        )
    columns = (
        *("run", "for", "world version", "seed", "scenarios", "units", "failed", "calls", "cached", "cost"),
        *("library", "identity", "code", "started", "finished"),
    )
    note = (
        "Failed: units and judgements; they are in no mean. Library and identity: beginnings of SHA-256 hashes. Calls "
        "of language models, and those of them that the cache answered; cost where prices are known. Times are UTC."
    )
    return Table(f"Runs of the study · world: {data.world}", columns, tuple(rows), note, key=key)


def course_table(data: StudyData, key: str) -> Table:
    """Return how near searches came to the best subset, a row per setting and model."""
    rows = []
    for part, setting, course in data.courses:
        low, middle, high = course.last
        rows.append(
            (
                part,
                ", ".join(f"{option} {value}" for option, value in setting.items()) or None,
                course.model,
                course.searches,
                round(course.spent),
                Mean(middle, low, high) if course.true else None,
                None if course.found is None else f"{100 * course.found:.0f} %",
                None if course.true else Mean(middle, low, high),
            )
        )
    columns = ("experiment", "setting", "model", "searches", "evaluations", "regret at the end", "best found", "Q")
    wanted = [i for i in range(len(columns)) if any(row[i] is not None for row in rows)]
    note = (
        "Median over searches, in brackets the quartiles. Regret: true score of the best subset of the size wanted, "
        "minus that of the subset returned, from the world's own table. Q, where the truth is not known: the mean "
        "reward of the subset returned, which flatters it. Evaluations: median number spent."
    )
    shown = tuple(tuple(row[i] for i in wanted) for row in rows)
    return Table(f"Searches · world: {data.world}", tuple(columns[i] for i in wanted), shown, note, key=key)


def _cell(made: StudyTable, name: str, row: Mapping[str, Value]) -> Cell:
    value = row.get(name)
    if name in ("p", "p_holm"):
        return p_value(number_of(value))
    if isinstance(value, Interval) or (isinstance(value, float) and made.signed(name)):
        return mean_of(value, made.signed(name))
    return value


def _minute(time: str | None) -> str | None:
    return None if time is None else time[:16].replace("T", " ")
