"""The tables of a report."""

from collections.abc import Sequence

from simulator.domains import DOMAINS
from workbench.report.method import flat
from workbench.report.parts import Cell, Mean, Table
from workbench.report.reading import Row, RunData
from workbench.statistics.bootstrap import Interval
from workbench.statistics.published import published
from workbench.statistics.scores import AVERAGE, COLUMNS, ScoreRow

_MOST_FAILURES = 50
"""Different reasons listed; what more there are is counted in the note."""

INTERVALS = "In brackets: 95 % bootstrap interval, clustered by profile."


def mean_of(interval: Interval | None) -> Mean | None:
    """Return an interval as a cell."""
    return None if interval is None else Mean(interval.mean, interval.low, interval.high)


def label(data: RunData) -> str:
    """Return the words that stand at every result of a run."""
    return f"run {data.row['run']}, world: {data.world}"


def score_tables(data: RunData, key: str) -> tuple[Table, ...]:
    """Return arms x domains of each model, the paper's rows below."""
    models = dict.fromkeys(row.model for row in data.table.rows)
    return tuple(_scores(data, model, f"{key}-scores-{i}") for i, model in enumerate(models, 1))


def overview(datas: Sequence[RunData]) -> Table | None:
    """Return the averages of several runs below each other, None where there is only one."""
    if len(datas) < 2:
        return None
    rows = [
        (f"{data.row['run']} ({data.world})", row.model, row.arm, row.judge, *_totals(row))
        for data in datas
        for row in data.table.rows
    ]
    worlds = ", ".join(dict.fromkeys(data.world for data in datas))
    notes = [INTERVALS]
    for name, words in (("world_version", "worlds"), ("code_version", "program versions")):
        if len({data.row[name] for data in datas}) > 1:
            notes.append(f"Caution: these runs have different {words}.")
    if len({str(data.experiment.get("prompts")) for data in datas}) > 1:
        notes.append("Caution: these runs have different prompts.")
    if len({str(data.experiment.get("scenarios")) for data in datas}) > 1:
        notes.append("Caution: these runs have different scenarios.")
    columns = ("run", "model", "arm", "judge", AVERAGE, "questions", "failed")
    return Table(f"Averages of all runs · world: {worlds}", columns, tuple(rows), " ".join(notes), key="overview")


def settings_table(data: RunData, key: str) -> Table:
    """Return every setting that decides the results."""
    return Table(f"Settings · {label(data)}", ("setting", "value"), tuple(flat(data.experiment)), key=f"{key}-settings")


def failure_table(data: RunData, key: str) -> Table:
    """Return what failed with its reasons, the most frequent first."""
    ordered = sorted(data.failures.items(), key=lambda item: (-item[1], item[0]))
    rows = tuple((f.what, f.model, f.arm, count, f.reason) for f, count in ordered[:_MOST_FAILURES])
    total, more = data.failures.total(), len(ordered) - len(rows)
    note = f"{total:,} failed; they are in no mean." if total else "Nothing failed."
    if more:
        note += f" {more:,} more reasons are not shown: `workbench show failures --run {data.row['run']}`."
    title = f"Failures · {label(data)}"
    return Table(title, ("what", "model", "arm", "count", "reason"), rows, note, key=f"{key}-failures")


def provenance_table(data: RunData, key: str) -> Table:
    """Return where the results come from: ids, hashes, versions, seeds, and what it took."""
    run, experiment = data.row, data.experiment
    calls, hits, cost = ledger_totals(data)
    fields: list[tuple[str, Cell]] = [
        ("run", run["run"]),
        ("identity (SHA-256)", run["identity"]),
        ("kind, state", f"{run['kind']}, {run['state']}"),
        ("world", data.world),
        ("world version", run["world_version"]),
        ("seed", str(run["seed"])),
        ("world seed", str(experiment.get("world_seed", "not stated"))),
        ("models", run["models"]),
        ("judges", ", ".join(data.judges)),
        ("code version", run["code_version"]),
        ("path library (hash)", run["library"]),
        ("started", run["created_at"]),
        ("finished", run["finished_at"]),
        ("scenarios", run["scenarios"]),
        ("units", f"{run['units']:,}: {run['done']:,} done, {run['failed']:,} failed"),
        ("calls of language models", f"{calls:,}, {hits:,} of them from the cache"),
        (
            "tokens",
            f"prompts {_sum(data.ledger, 'prompt_tokens'):,}, completions {_sum(data.ledger, 'completion_tokens'):,}",
        ),
        ("cost", f"{cost} (where prices are known)" if cost else "no prices known" if calls else "none"),
    ]
    if run["error"]:
        fields.append(("error", run["error"]))
    prompts = experiment.get("prompts")
    if isinstance(prompts, dict):
        fields += [(f"prompt {name}", str(version)) for name, version in prompts.items()]
    return Table(f"Provenance · {label(data)}", ("what", "value"), tuple(fields), key=f"{key}-provenance")


def ledger_table(data: RunData, key: str) -> Table | None:
    """Return calls by arm, role and model, None where no language model was asked."""
    if not data.ledger:
        return None
    names = ("calls", "hits", "failed", "retries", "prompt_tokens", "completion_tokens")
    rows = tuple(
        (row["arm"] or row["kind"], row["role"], row["model"], *(row[name] for name in names), _cost(row))
        for row in data.ledger
    )
    columns = ("arm", "role", "model", *(name.replace("_", " ") for name in names), "cost")
    note = "Tokens are those that a server worked on; what came from the cache cost nothing."
    return Table(f"Ledger · {label(data)}", columns, rows, note, key=f"{key}-ledger")


def ledger_totals(data: RunData) -> tuple[int, int, str | None]:
    """Return calls of language models, how many the cache answered, and what they cost where prices are known."""
    costs = [row["cost"] for row in data.ledger if row["cost"] is not None]
    return _sum(data.ledger, "calls"), _sum(data.ledger, "hits"), f"{sum(costs):.4f}" if costs else None


def _scores(data: RunData, model: str, key: str) -> Table:
    mine = [row for row in data.table.rows if row.model == model]
    rows: list[tuple[Cell, ...]] = [
        (row.arm, row.judge, *(mean_of(row.cells[name].score) for name in COLUMNS), *_totals(row)[1:]) for row in mine
    ]
    arms = {row.arm for row in mine}
    ours = len(rows)
    for figure in published(model):
        if figure.arm in arms:
            domains = figure.domains or (None,) * len(DOMAINS)
            rows.append((figure.arm, "published", *domains, figure.average, figure.questions, None))
    notes = [INTERVALS]
    if len(rows) > ours:
        notes.append("Rows marked published are the paper's own figures for the model of this name.")
    for row in mine:
        if row.crisis:
            calm = row.without_crisis[AVERAGE].score
            without = f"{calm.mean:.2f}" if calm else "none"
            notes.append(
                f"{row.arm}, judge {row.judge}: {row.crisis:,} dialogues in crisis; average without them {without}."
            )
    if data.surrogate:
        notes.insert(0, "Surrogate: simulated responses and simulated judges.")
    title = f"Scores by arm and domain · {label(data)} · model: {model}"
    columns = ("arm", "judge", *COLUMNS, "questions", "failed")
    return Table(title, columns, tuple(rows), " ".join(notes), frozenset(range(ours, len(rows))), key)


def _totals(row: ScoreRow) -> tuple[Cell, ...]:
    return mean_of(row.cells[AVERAGE].score), mean_of(row.questions), row.cells[AVERAGE].failed


def _sum(rows: Sequence[Row], name: str) -> int:
    return sum(int(row[name] or 0) for row in rows)


def _cost(row: Row) -> str | None:
    return None if row["cost"] is None else f"{row['cost']:.4f}"
