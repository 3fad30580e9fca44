"""`workbench agreement`: how far judges, people among them, agree; what sways them; where they disagree most."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli import options as opt
from workbench.cli.common import DONE, DbOption, FormatOption, narrate, reading, words
from workbench.cli.output import Column, Format, emit, gap
from workbench.figures import mean_and_half

if TYPE_CHECKING:
    from storage.sqlite import Database
    from workbench.statistics.bias import Bias
    from workbench.statistics.judging import Figure, Ratings
    from workbench.statistics.resampling import Estimate

_LEGEND = (
    "± half the width of the 95 % bootstrap interval, clustered by profile; κ with quadratic weights, α for everybody\n"
    "together; {pooled}; paper: published"
)
_POOLED = (
    "over all arms, which flatters agreement (everybody sees that one arm beats another): `within` takes each arm's\n"
    "mean off, --by arm shows each"
)
_NO_POSITION = "no place: each verdict is a call of its own that sees one response"
_NO_ORDER = "imported ratings have no order"
_NO_SPREAD = "lengths or scores do not vary within arms"
_BIAS_LEGEND = (
    "correlation within arms ± half the 95 % interval, clustered by profile; slope: points of score for a doubling of\n"
    "the length in characters, or from the first rated to the last; a reason to look, no proof: longer may be better"
)


def agreement(
    run: opt.Run = None,
    judges: Annotated[str | None, typer.Option(help="Only these; people are human:NAME. Else all.")] = None,
    by: Annotated[Literal["arm"] | None, typer.Option(help="Figures of each arm instead of all together.")] = None,
    queue: Annotated[
        int | None, typer.Option(min=1, help="Print the N responses with the widest spread instead.", metavar="N")
    ] = None,
    bias: Annotated[
        bool, typer.Option("--bias", help="Print how scores go with length and order instead, within arms.")
    ] = False,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show how far judges agree: correlations, kappa, alpha and what the panel is worth, beside the paper's figures."""
    from storage.ratings import judged_rows
    from storage.readers import find_scored
    from workbench.engine.errors import UsageError
    from workbench.statistics.judging import Ratings

    if queue is not None and bias:
        raise UsageError("--queue and --bias print a table each: ask for one of them")
    if by is not None and (queue is not None or bias):
        raise UsageError("--by arm does not apply: --queue names each response's arm, --bias holds the arm fixed")
    with reading(db) as database:
        found = find_scored(database, run)
        ratings = Ratings.of_rows(judged_rows(database, found["run"]))
        if not ratings.judges:
            raise UsageError(f"run {found['run']} has no verdict yet: `workbench judge {found['run']} --judges …`")
        if judges is not None:
            try:
                ratings = ratings.only(judges=words(judges))
            except ValueError as error:
                raise UsageError(f"--judges: run {found['run']} has {error}") from error
        if bias:
            _emit_bias(database, found, ratings, format)
            return DONE
    if queue is not None:
        _emit_queue(found, ratings, queue, format)
        return DONE
    arms: list[tuple[str | None, Ratings]] = [(None, ratings)]
    if by == "arm":
        arms = [(arm, ratings.only(arm=arm)) for arm in ratings.arms]
    _emit_agreement(found, arms, format)
    if len(ratings.judges) < 2:
        narrate(f"{ratings.judges[0]} is alone: `workbench judge --judges …` or `workbench labels import` adds others")
    elif len(ratings.models) > 1 and not any(True for _ in ratings.references()):
        narrate("how many independent judges the panel is worth needs people's ratings: `workbench labels`")
    return DONE


def _emit_agreement(run: dict[str, Any], arms: "list[tuple[str | None, Ratings]]", format: Format) -> None:
    from workbench.statistics.judging import MEASURES

    agreed, worth, inside = [], [], []
    for arm, ratings in arms:
        agreed += [(arm, later()) for measure in MEASURES for later in ratings.agreement(measure)]
        worth += [(arm, later()) for later in ratings.worth()]
        inside += [(arm, later()) for later in ratings.between_dimensions()]
    if format not in ("table", "md"):
        emit((*_records(run, (*agreed, *worth, *inside)), *_published(run)), format)
        return
    title, by_arm = f"{{}} · run {run['run']} · world: {run['world']}", arms[0][0] is not None
    break_ = "\n" if format == "table" else " · "
    pooled = "each arm on its own" if by_arm else _POOLED
    legend = _LEGEND.format(pooled=pooled) if format == "table" else _LEGEND.format(pooled=pooled).replace("\n", " ")
    first = [Column("arm")] if by_arm else []
    if agreed:
        heading = title.format("Agreement between judges") + break_ + legend
        names = ("pearson", "spearman", "kappa", *([] if by_arm else ["within"]), "alpha", "n")
        columns = [*first, Column("judges", wrap=True), Column("of"), *map(Column, names)]
        emit(_agreement_lines(agreed), format, columns, title=heading)
        gap()
    if worth:
        columns = [
            *first,
            *(Column(name, wrap=True) for name in ("judges", "errors against")),
            Column("worth"),
            Column("n"),
        ]
        emit(_worth_lines(worth), format, columns, title=title.format("Independent judges that the panel is worth"))
        gap()
    columns = [*first, Column("judge", wrap=True), Column("over"), *map(Column, ("risk × empathy",))]
    columns += [Column("risk × alignment"), Column("empathy × alignment"), Column("n")]
    emit(_dimension_lines(inside), format, columns, title=title.format("Correlation between a judge's dimensions"))


def _agreement_lines(figures: "Iterable[tuple[str | None, Figure]]") -> list[dict[str, object]]:
    from workbench.statistics.judging import ALPHA, KAPPA, PEARSON, SCORE, SHORT, SPEARMAN, WITHIN, PublishedAgreement

    names = {PEARSON: "pearson", SPEARMAN: "spearman", KAPPA: "kappa", WITHIN: "within", ALPHA: "alpha"}
    lines: dict[tuple[object, ...], dict[str, object]] = {}
    for arm, figure in figures:
        line = lines.setdefault(
            (arm, figure.judges, figure.measure),
            {
                "arm": arm,
                "judges": " and ".join(figure.judges) if len(figure.judges) < 3 else f"all {len(figure.judges)}",
                "of": SHORT[figure.measure],
            },
        )
        line[names[figure.figure]] = _shown(figure.estimate)
        if figure.estimate is not None:
            line["n"] = str(figure.estimate.n)
    paper = PublishedAgreement()
    published = {"pearson": f"{paper.pearson:.2f}", "kappa": f"{paper.kappa:.3f}", "n": str(paper.n)}
    return [*lines.values(), {"judges": "paper: GPT-4o and three people", "of": SCORE, **published}]


def _worth_lines(figures: "Iterable[tuple[str | None, Figure]]") -> list[dict[str, object]]:
    return [
        {
            "arm": arm,
            "judges": ", ".join(figure.judges),
            "errors against": figure.reference,
            "worth": _shown(figure.estimate),
            "n": None if figure.estimate is None else str(figure.estimate.n),
        }
        for arm, figure in figures
    ]


def _dimension_lines(figures: "Iterable[tuple[str | None, Figure]]") -> list[dict[str, object]]:
    from workbench.statistics.judging import SHORT, WITHIN, PublishedAgreement

    lines: dict[tuple[object, ...], dict[str, object]] = {}
    for arm, figure in figures:
        over = arm or ("within arms" if figure.figure == WITHIN else "all")
        line = lines.setdefault((arm, figure.judges, over), {"arm": arm, "judge": figure.judges[0], "over": over})
        line[f"{SHORT[figure.measure]} × {SHORT[figure.beside]}"] = _shown(figure.estimate)
        if figure.estimate is not None:
            line["n"] = str(figure.estimate.n)
    low, high = PublishedAgreement().dimensions
    return [*lines.values(), {"judge": "paper: GPT-4o", "over": f"{low} to {high} between any two"}]


def _records(run: dict[str, Any], figures: "Iterable[tuple[str | None, Figure]]") -> Iterator[dict[str, object]]:
    for arm, figure in figures:
        found = figure.estimate
        yield {
            "run": run["run"],
            "world": run["world"],
            "arm": arm,
            "judges": list(figure.judges),
            "figure": figure.figure,
            "measure": figure.measure,
            "beside": figure.beside or None,
            "reference": figure.reference or None,
            "value": found and found.value,
            "low": found and found.low,
            "high": found and found.high,
            "n": found and found.n,
            "profiles": found and found.clusters,
            "source": "this run",
        }


def _published(run: dict[str, Any]) -> Iterator[dict[str, object]]:
    """Yield the paper's figures in the form of `_records`; its correlations between dimensions are a range."""
    from workbench.statistics.judging import KAPPA, PEARSON, SCORE, Figure, PublishedAgreement

    (blank,) = _records(run, [(None, Figure(("GPT-4o", "three people"), PEARSON, SCORE, None))])
    blank |= {"world": None, "source": "published"}
    paper = PublishedAgreement()
    yield blank | {"value": paper.pearson, "n": paper.n}
    yield blank | {"figure": KAPPA, "value": paper.kappa, "n": paper.n}
    low, high = paper.dimensions
    yield blank | {"judges": ["GPT-4o"], "measure": "any dimension", "beside": "any other", "low": low, "high": high}


def _emit_queue(run: dict[str, Any], ratings: "Ratings", most: int, format: Format) -> None:
    found = ratings.queue(most)
    if format not in ("table", "md"):
        emit(
            (
                {
                    "run": run["run"],
                    "world": run["world"],
                    **{name: value for name, value in item._asdict().items() if name != "true_score"},
                    "spread": entry.spread,
                    "sd": entry.sd,
                    "scores": dict(zip(ratings.judges, entry.ratings, strict=True)),
                }
                for item, entry in found
            ),
            format,
        )
        return
    lines = [
        {
            **item._asdict(),
            "unit": str(item.unit),
            "scenario": item.scenario_id,
            "spread": f"{entry.spread:.2f}",
            **{
                f"judge {judge}": None if value is None else f"{value:.2f}"
                for judge, value in zip(ratings.judges, entry.ratings, strict=True)
            },
        }
        for item, entry in found
    ]
    several = [Column("model")] if len({item.model for item, _ in found}) > 1 else []
    scores = [Column(f"judge {judge}", judge) for judge in ratings.judges]
    columns = [Column("unit"), Column("spread"), *scores, Column("arm"), *several, Column("domain"), Column("scenario")]
    emit(lines, format, columns, title=f"Widest spread · run {run['run']} · world: {run['world']}")
    narrate(
        "`workbench show unit UNIT` shows one with every judge's view"
        if found
        else "no response has two different scores"
    )


def _emit_bias(db: "Database", run: dict[str, Any], ratings: "Ratings", format: Format) -> None:
    from storage.judgements import response_lengths
    from storage.ratings import rating_order

    lengths, orders = response_lengths(db, run["run"]), rating_order(db, run["run"])
    rows = []
    for judge in ratings.judges:
        rows.append(_bias_row(run, judge, "length", ratings.length_bias(judge, lengths)))
        order = orders.get(judge)
        if order is not None:
            rows.append(_bias_row(run, judge, "position", ratings.position_bias(judge, order)))
        else:
            note = _NO_ORDER if judge in ratings.people else _NO_POSITION
            rows.append(_bias_row(run, judge, "position", None, note))
    if format not in ("table", "md"):
        emit(rows, format)
        return
    lines = [
        {
            "judge": row["judge"],
            "with": row["with"],
            "within arms": _with_bounds(row, "correlation"),
            "slope": _with_bounds(row, "slope"),
            "over all arms": None if row["raw"] is None else f"{row['raw']:+.2f}",
            "n": None if row["n"] is None else str(row["n"]),
            "note": row["note"],
        }
        for row in rows
    ]
    title = f"What scores go with · run {run['run']} · world: {run['world']}\n{_BIAS_LEGEND}"
    columns = [*map(Column, ("judge", "with", "within arms", "slope", "over all arms", "n")), Column("note", wrap=True)]
    emit(lines, format, columns, title=title if format == "table" else title.replace("\n", " · "))


def _bias_row(
    run: dict[str, Any], judge: str, what: str, bias: "Bias | None", note: str | None = _NO_SPREAD
) -> dict[str, Any]:
    row: dict[str, Any] = {"run": run["run"], "world": run["world"], "judge": judge, "with": what}
    for name, found in (("correlation", bias and bias.correlation), ("slope", bias and bias.slope)):
        row |= {name: found and found.value, f"{name}_low": found and found.low, f"{name}_high": found and found.high}
    raw = bias.raw.value if bias is not None and bias.raw is not None else None
    return {**row, "raw": raw, "n": bias and bias.correlation.n, "note": None if bias is not None else note}


def _with_bounds(row: dict[str, Any], name: str) -> str | None:
    value = row[name]
    return None if value is None else mean_and_half(value, row[f"{name}_low"], row[f"{name}_high"], "+")


def _shown(estimate: "Estimate | None") -> str | None:
    return None if estimate is None else mean_and_half(estimate.value, estimate.low, estimate.high)
