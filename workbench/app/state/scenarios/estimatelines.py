"""An estimate in lines, as it stands below a form."""

import textwrap

from workbench.app.state.spans import Line, Span, line, muted, number, span_of_time, status_span
from workbench.engine.estimation.estimate import Estimate
from workbench.engine.estimation.measures import Range
from workbench.text import counted

_LABEL, _VALUE = 11, 11


def estimate_lines(found: Estimate, world: str, runs: int = 1, width: int = 96) -> list[Line]:
    """Return an estimate as a small table.

    Args:
        world: where it would run. runs: that it is about.
        width: cells that a line may take before it is broken.
    """
    units = [counted(found.searches, "search"), counted(found.trials, "trial")]
    about = ", ".join(units) if runs == 1 else f"in {counted(runs, 'run')}: {', '.join(units)}"
    lines = _broken(line(status_span("estimate")), found.basis, width)
    lines += _row("units", f"{found.units:,}", about, width)
    if found.calls.mid:
        lines += _row("calls", number(found.calls.mid), _between(found.calls), width)
        lines += _row("tokens", number(found.prompt_tokens.mid), f"{_between(found.prompt_tokens)} in prompts", width)
        told = f"{_between(found.completion_tokens)} in completions"
        lines += _row("", number(found.completion_tokens.mid), told, width)
    else:
        lines += _row("calls", "none", f"the {world} world calls no language model", width)
    seconds = found.seconds
    lines += _row("time", _time(seconds.mid), f"[{_time(seconds.low)}, {_time(seconds.high)}]", width)
    if found.cost is not None:
        unpriced = f"; without {', '.join(found.unpriced)}, which have no price" if found.unpriced else ""
        interval = f"[{found.cost.low:,.2f}, {found.cost.high:,.2f}]{unpriced}"
        lines += _row("cost", f"{found.cost.mid:,.2f}", interval, width)
    elif found.calls.mid:
        lines += _row("cost", "unknown", "a file with [prices] tells what models cost", width)
    return lines


def _row(label: str, value: str, about: str, width: int) -> list[Line]:
    return _broken(line(muted(f"  {label:<{_LABEL}}"), Span(f"{value:>{_VALUE}}", bold=True)), about, width)


def _broken(head: Line, about: str, width: int) -> list[Line]:
    """Return what is said after a head, its further lines below its first."""
    indent = sum(len(span.text) for span in head) + 2
    first, *more = textwrap.wrap(about, max(20, width - indent), break_on_hyphens=False) or [""]
    return [(*head, muted(f"  {first}")), *(line(muted(" " * indent + text)) for text in more)]


def _between(found: Range) -> str:
    return f"[{number(found.low)}, {number(found.high)}]"


def _time(seconds: float) -> str:
    return span_of_time(seconds) if seconds >= 1 else "under 1 s"
