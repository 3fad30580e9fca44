"""A report as one text: headings, sentences and tables in reading order, for formats that have nothing else."""

from collections.abc import Iterator
from typing import NamedTuple

from workbench.report.parts import Report, StudyReport, Table


class Heading(NamedTuple):
    """A line above what it is about; level 1 is a study or a run, 2 a question of a study."""

    level: int
    text: str


class Placed(NamedTuple):
    """A table with the level that its own heading has."""

    level: int
    table: Table


def outline(report: Report) -> Iterator[Heading | str | Placed]:
    """Walk a report in reading order; its title and version are left to the format. A string is a sentence."""
    if report.overview is not None:
        yield Placed(2, report.overview)
    for study in report.studies:
        yield from _study(study)
    for run in report.runs:
        yield Heading(1, _capital(run.account.label))
        yield from run.account.method
        for table in run.tables:
            yield Placed(2, table)


def _study(study: StudyReport) -> Iterator[Heading | str | Placed]:
    yield Heading(1, _capital(study.label))
    yield from study.method
    for section in study.sections:
        yield Heading(2, section.heading)
        yield from section.says
        for table in section.tables:
            yield Placed(3, table)
    yield Placed(2, study.runs)


def _capital(label: str) -> str:
    return label[0].upper() + label[1:]
