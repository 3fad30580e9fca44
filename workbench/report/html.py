"""A report as one HTML file: no network, no script, styles and drawings inside."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from simulator.world import DIMENSIONS
from themes import status
from workbench.report.parts import ABSENT, Figure, Mean, Report, middle, numeric, shown, spread
from workbench.text import harmless


def to_html(report: Report) -> str:
    """Return the page; every text from data is escaped."""
    return _environment().get_template("report.html.j2").render(report=report)


@cache
def _environment() -> Environment:
    folder = files("workbench.report").joinpath("templates")
    sources = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith((".j2", ".css"))}
    environment = Environment(
        loader=DictLoader(sources),
        undefined=StrictUndefined,
        finalize=_safe,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "shown": shown,
        "middle": middle,
        "spread": spread,
        "numeric": numeric,
        "lower_first": _lower_first,
    }
    environment.tests["mean"] = lambda value: isinstance(value, Mean)
    environment.tests["figure"] = lambda value: isinstance(value, Figure)
    environment.globals |= {
        "css": Markup(sources["report.css"]),  # noqa: S704 - our own file
        "dimensions": DIMENSIONS,
        "status": status,
        "absent": ABSENT,
    }
    return environment


def _lower_first(words: str) -> str:
    return words[:1].lower() + words[1:]


def _safe(value: Any) -> Any:
    """Take control characters out of whatever the template prints; escaping comes after."""
    return harmless(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value
