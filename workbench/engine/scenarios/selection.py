"""Which scenarios an experiment is about."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from planner.keyed import digest
from simulator.build import build
from simulator.bundled import bundled
from simulator.scenario import Scenario
from storage.errors import NotFoundError
from storage.scenarios import count_scenarios, find_scenario, list_scenarios
from storage.sqlite import Database
from workbench.engine.errors import UsageError
from workbench.engine.options import RunOptions


def select_scenarios(db: Database | None, options: RunOptions) -> list[Scenario]:
    """Choose the scenarios that the options describe.

    `synthetic` builds them; otherwise they are those collected (imported or built) in the database, or the bundled
    ones where there are none (or no database): what an earlier run brought along never changes what a later one is
    about.

    Raises:
        UsageError: an id that fits no scenario, or options that exclude each other.
    """
    if options.synthetic is not None:
        if options.scenarios or options.source:
            raise UsageError("--synthetic builds its own scenarios: leave out --scenarios and --source")
        seed = options.seed if options.build_seed is None else options.build_seed
        chosen = [s for s in build(options.synthetic, seed) if not options.domains or s.domain in options.domains]
    elif options.scenarios:
        chosen = find_scenarios(db, options.scenarios)
        chosen = [s for s in chosen if not options.domains or s.domain in options.domains]
    else:
        chosen = stored_or_bundled(db, options.domains, options.source)
    return chosen if options.limit is None else spread(chosen, options.limit, options.seed)


def stored_or_bundled(db: Database | None, domains: Sequence[str] = (), source: str | None = None) -> list[Scenario]:
    """List the scenarios collected in the database, or the bundled ones where there are none at all."""
    if db is not None and count_scenarios(db, collected=True):
        return list(list_scenarios(db, domains=domains, source=source, collected=True))
    return [s for s in bundled() if (not domains or s.domain in domains) and source in (None, s.source)]


def find_scenarios(db: Database | None, ids: Iterable[str]) -> list[Scenario]:
    """Find scenarios by id or by an id's only beginning, in the database first, then among the bundled ones.

    Raises:
        UsageError: an id that fits none, or several.
    """
    found = []
    for wanted in ids:
        try:
            if db is None:
                raise NotFoundError(f"there is no scenario {wanted!r}: `workbench scenarios list` shows what there is")
            found.append(find_scenario(db, wanted))
        except NotFoundError as error:
            fitting = [s for s in bundled() if wanted and s.id.startswith(wanted)]
            if len(fitting) > 1:
                raise UsageError(f"several scenarios begin with {wanted!r}: give more of the id") from error
            if not fitting:
                raise UsageError(str(error)) from error
            found.append(fitting[0])
    return list(dict.fromkeys(found))


def spread(scenarios: Sequence[Scenario], limit: int, seed: int) -> list[Scenario]:
    """Choose `limit` scenarios by seed, as evenly over the domains as they allow; the order of the input is kept."""
    by_domain: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        by_domain.setdefault(scenario.domain, []).append(scenario)
    shuffled = [sorted(group, key=lambda s: digest(seed, "limit", s.id)) for group in by_domain.values()]
    turns = (s for turn in zip_longest(*shuffled) for s in turn if s is not None)
    chosen = {scenario.id for scenario, _ in zip(turns, range(limit), strict=False)}
    return [scenario for scenario in scenarios if scenario.id in chosen]
