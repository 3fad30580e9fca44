"""Reading two runs side by side: scores paired on shared scenarios, and what else is different between them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from storage.readers import Row
from storage.sqlite import Database

MEASURE: tuple[str, ...] = ("world", "world_version", "prompts", "judges", "repeats")
"""What has to be equal for scores to mean the same. Everything else may be what is compared."""

_PAIRS = """
select one.model as first_model, other.model as second_model, one.arm as first_arm, other.arm as second_arm,
  mine.judge as judge, one.scenario as scenario_id, scenarios.profile_id as profile_id, scenarios.domain as domain,
  mine.score as first, theirs.score as second
from units as one
join units as other on other.run = :second_run and other.kind = one.kind and other.scenario = one.scenario
  and other.model = coalesce(:second_model, one.model) and other.arm = coalesce(:second_arm, one.arm)
join verdicts as mine on mine.unit = one.id
join verdicts as theirs on theirs.unit = other.id and theirs.judge = mine.judge
join scenarios on scenarios.id = one.scenario
where one.run = :first_run and one.kind = 'trial'
  and one.model = coalesce(:first_model, one.model) and one.arm = coalesce(:first_arm, one.arm)
order by one.model, one.arm, one.scenario, mine.judge
"""

_SCORED = """
select units.model as model, units.arm as arm, verdicts.judge as judge, scenarios.profile_id as profile_id,
  verdicts.score as score
from units join verdicts on verdicts.unit = units.id join scenarios on scenarios.id = units.scenario
where units.run = :run and units.kind = 'trial'
  and units.model = coalesce(:model, units.model) and units.arm = coalesce(:arm, units.arm)
order by units.model, units.arm, units.scenario, verdicts.judge
"""


class Side(NamedTuple):
    """One of the two things compared: a run, or one arm or model of it.

    Fields:
        run: its id.
        arm, model: only this one, to be set beside the one that the other side names; None = each beside its like.
    """

    run: str
    arm: str | None = None
    model: str | None = None


class Difference(NamedTuple):
    """Something that is not the same in two runs.

    Fields:
        name: what, with a dot between a table and its key.
        first, second: what each run has; None where it does not say.
        measure: whether scores may mean something else because of it (`MEASURE`).
    """

    name: str
    first: Any
    second: Any
    measure: bool


def pair_rows(db: Database, first: Side, second: Side) -> Iterator[Row]:
    """Stream the scores that two sides have of the same scenario from the same judge, a row per scenario and judge.

    Sorted by model, arm, scenario and judge of the first side. `first` and `second` are null where that judgement
    failed. An arm or a model that a side names must be named by the other too.
    """
    values = {
        "first_run": first.run,
        "first_arm": first.arm,
        "first_model": first.model,
        "second_run": second.run,
        "second_arm": second.arm,
        "second_model": second.model,
    }
    yield from db.query(_PAIRS, values)


def side_rows(db: Database, side: Side) -> Iterator[Row]:
    """Stream every score of one side, shared or not: `model, arm, judge, profile_id, score` (null = failed)."""
    yield from db.query(_SCORED, {"run": side.run, "arm": side.arm, "model": side.model})


def run_names(db: Database, run: str) -> dict[str, list[str]]:
    """Return which `arms`, `models` and `judges` a run has trials of, sorted."""
    names = {}
    for name in ("arm", "model"):
        found = db.execute(f"select distinct {name} from units where run = ? and kind = 'trial'", [run])  # noqa: S608
        names[f"{name}s"] = sorted(row[0] for row in found)
    found = db.execute("select distinct judge from verdicts join units on units.id = unit where run = ?", [run])
    return names | {"judges": sorted(row[0] for row in found)}


def run_differences(db: Database, first: Row, second: Row) -> list[Difference]:
    """List what two runs (of `find_run`) differ in, apart from their scenarios: what changes the measure first.

    Models and arms are not among it: they stand in every row. An imported run says less about itself; what it does
    not say counts as different.
    """
    one, other = _settings(db, first), _settings(db, second)
    found = [
        Difference(name, one.get(name), other.get(name), name.partition(".")[0] in MEASURE)
        for name in dict.fromkeys((*one, *other))
        if one.get(name) != other.get(name)
    ]
    return sorted(found, key=lambda difference: not difference.measure)


def _settings(db: Database, run: Row) -> dict[str, Any]:
    experiment = json.loads(run["experiment"] or "{}")
    known = {name: value for name, value in experiment.items() if name not in ("scenarios", "models", "arms")}
    known |= {"world": run["world"], "world_version": run["world_version"], "seed": run["seed"]}
    known["judges"] = run_names(db, run["run"])["judges"]
    flat: dict[str, Any] = {}
    for name, value in known.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": entry for key, entry in value.items()}
        else:
            flat[name] = value
    return flat
