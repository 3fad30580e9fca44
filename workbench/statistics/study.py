"""The tables of a study by name."""

from collections.abc import Callable, Mapping, Sequence

from workbench.statistics.gains import gains_table
from workbench.statistics.models import context_table, domains_table, headline_table, models_table
from workbench.statistics.sensitivity import sensitivity_domains_table, sensitivity_table
from workbench.statistics.studytable import RunScores, StudyTable
from workbench.statistics.subsetchoice import subsets_table
from workbench.statistics.sweeps import abstention_table, sweep_table

TABLES: Mapping[str, Callable[[Sequence[RunScores]], StudyTable]] = {
    "headline": headline_table,
    "domains": domains_table,
    "models": models_table,
    "context": context_table,
    "sensitivity": sensitivity_table,
    "sensitivity-domains": sensitivity_domains_table,
    "subsets": subsets_table,
    "gains": gains_table,
    "abstention": abstention_table,
    "sweep": sweep_table,
}
"""In the order in which they are printed."""
