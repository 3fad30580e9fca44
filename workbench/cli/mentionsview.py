"""What `workbench show mentions` prints: rates of each arm and examples for people, a row per response for machines."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workbench.cli.common import narrate
from workbench.cli.output import Column, Format, emit, gap
from workbench.figures import mean_and_half

if TYPE_CHECKING:
    from workbench.engine.personalisation import Read
    from workbench.statistics.bootstrap import Interval

_LEGEND = (
    "used: share of the given attributes that a response mentions; invented: attributes whose value it states though\n"
    "nobody told it, and the share of responses that do; unneeded: given and mentioned, though it does not matter;\n"
    "± half the 95 % interval, clustered by profile; found by rules of English words, so rates are lower bounds"
)


def emit_mentions(read: "Sequence[Read]", run: dict[str, Any], format: Format, examples: int) -> None:
    """Print what responses say of the person they answer."""
    from workbench.engine.personalisation import NEEDED
    from workbench.statistics.personalisation import personalisation_rates

    if format not in ("table", "md"):
        emit((_record(one, run) for one in read), format)
        return
    rates = personalisation_rates(one.counts() for one in read)
    several = [Column("model", wrap=True)] if len({one.model for one in rates}) > 1 else []
    title = f"Run {run['run']} · world: {run['world']}\n{_LEGEND}"
    names = ("arm", "given", "used", "invented", "responses inventing", "unneeded", "n")
    lines = [
        {
            "model": one.model,
            "arm": one.arm,
            "given": _shown(one.given),
            "used": _shown(one.used),
            "invented": _shown(one.invented),
            "responses inventing": _shown(one.inventing),
            "unneeded": _shown(one.unneeded),
            "n": "0" if one.given is None else str(one.given.n),
        }
        for one in rates
    ]
    emit(lines, format, [*several, *map(Column, names)], title if format == "table" else title.replace("\n", " · "))
    found = list(_examples(read))
    if found and examples:
        gap()
        columns = [*map(Column, ("unit", "arm", "what", "attribute")), Column("words", wrap=True)]
        emit(found[:examples], format, columns, "Examples, inventions first")
    tellers = {one.known_by for one in read}
    if "surrogate" in tellers:
        narrate(f"needed: what adds {NEEDED:g} points alone in the surrogate's true scores (an assumed bound)")
    elif "planned path" in tellers:
        narrate("needed: what stands on the path that a search of this run planned; without a search nothing tells")
    else:
        narrate("nothing tells which attributes matter here: no search of this run planned for these scenarios")
    unknown = sum(one.unknown for one in rates)
    if unknown:
        narrate(f"{unknown} responses are in no rate: what they were given is not known (imported)")


def _examples(read: "Sequence[Read]") -> Iterator[dict[str, object]]:
    """Yield what is to be looked at, inventions first."""
    from simulator.attributes import NAMES

    for what in ("invented", "unneeded"):
        for one in read:
            mask = one.unneeded or 0
            if what == "invented":
                mask = 0 if one.mentions is None else one.mentions.invented
            for mention in () if one.mentions is None else one.mentions.found:
                if mask >> mention.attribute & 1:
                    named = {"unit": str(one.row.unit), "arm": one.row.arm, "what": what}
                    yield {**named, "attribute": NAMES[mention.attribute], "words": mention.words}


def _record(one: "Read", run: dict[str, Any]) -> dict[str, object]:
    found, row = one.mentions, one.row
    return {
        "run": run["run"],
        "world": run["world"],
        "unit": row.unit,
        "scenario_id": row.scenario_id,
        "profile_id": one.profile_id,
        "domain": row.domain,
        "model": row.model,
        "arm": row.arm,
        "given": None if found is None else _names(found.given),
        "used": None if found is None else _names(found.used),
        "invented": None if found is None else _names(found.invented),
        "unneeded": _names(one.unneeded),
        "needed": _names(one.needed),
        "needed_by": one.known_by,
        "words": {_names(1 << mention.attribute)[0]: mention.words for mention in (found.found if found else ())},
    }


def _names(mask: int | None) -> Any:
    from planner.subsets import members
    from simulator.attributes import NAMES

    return None if mask is None else [NAMES[i] for i in members(mask)]


def _shown(mean: "Interval | None") -> str | None:
    return None if mean is None else mean_and_half(mean.mean, mean.low, mean.high)
