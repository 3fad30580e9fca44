"""What a prepared run will take, before anything is asked: exact units, counted prompts, earlier runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storage.calls import StoredCache, prompt_rates
from storage.database import explained, open_readonly
from storage.runs import UnitKey
from storage.sqlite import Database
from storage.unitcosts import unit_costs
from workbench.engine.estimation.counted import Counted, prompt_rate
from workbench.engine.estimation.estimate import Estimate, Units, estimate
from workbench.engine.estimation.measures import history
from workbench.engine.estimation.rehearsal import Rehearsal, rehearse
from workbench.engine.models import model_settings
from workbench.engine.options import RunOptions
from workbench.engine.prepare import Prepared


@dataclass(frozen=True, slots=True)
class Outlook:
    """An estimate and what it was made from.

    Fields:
        world: where it would run. estimate: what it would take.
        units: (kind, arm, model) -> units, exact.
        counted: what was rehearsed; None in worlds without language models.
    """

    world: str
    estimate: Estimate
    units: Units
    counted: Rehearsal | None


def outlook(path: Path, options: RunOptions, prepared: Prepared, *, plans: bool = True) -> Outlook:
    """Estimate a run; nothing is written and nobody is asked.

    Args:
        plans: False where another run will have planned the paths by then.

    Raises:
        StorageError: the database can't be read.
    """
    experiment = prepared.experiment if plans else replace(prepared.experiment, index="planned before")
    keys = list(experiment.units())
    units: Counter[tuple[str, str, str]] = Counter((key.kind, key.arm, key.model) for key in keys)
    known = Counter(scenario.profile.known.bit_count() for scenario in experiment.scenarios)
    counted: Counted | None = None
    db = open_readonly(path)
    try:
        with explained(path):
            past = history(unit_costs(db))
            if options.world == "model":
                counted = _count(db, options, prepared, keys)
    finally:
        db.conn.close()
    found = estimate(options, units, known, past, judges=experiment.judges, counted=counted)
    return Outlook(options.world, found, units, counted.rehearsal if counted is not None else None)


def _count(db: Database, options: RunOptions, prepared: Prepared, keys: Sequence[UnitKey]) -> Counted:
    def post(_: object) -> None:
        raise RuntimeError("a rehearsal stores nothing")

    experiment = prepared.experiment
    rehearsal = rehearse(experiment, model_settings(options), StoredCache(db, post).get, units=keys)
    named = {settings.model for settings in options.roles.values() if settings.model}
    models = {*experiment.models, *experiment.judges, experiment.search_judge, *named}
    return Counted(rehearsal, {model: prompt_rate(prompt_rates(db, model)) for model in models})
