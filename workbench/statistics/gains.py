"""What each question along a planned path brings (arms `path:0`, `path:1`, ...)."""

from collections.abc import Mapping, Sequence

from workbench.arms import family, number
from workbench.statistics.models import about
from workbench.statistics.published import figure
from workbench.statistics.studytable import RunScores, StudyTable, Value, difference, group

_WHOLE = 3
"""The paper's paths end here; shares are of the gain up to here where the paths go so far."""


def gains_table(runs: Sequence[RunScores]) -> StudyTable:
    """Return a row per number of attributes known: score, gain of the last one (paired), share of the whole gain.

    `share` = (score after j - score after 0) / (score after 3 - score after 0), over the scenarios that have all of
    them; its interval is of that ratio. A path that has ended keeps its last attribute.
    """
    rows: list[Mapping[str, Value]] = []
    notes = []
    for (world, model, judge), mine in group(
        runs, lambda arm: family(arm) == "path" and number(arm) is not None
    ).items():
        lengths = sorted(length for arm in mine.arms if (length := number(arm)) is not None)
        if not lengths or lengths[0] != 0:
            continue
        last = _WHOLE if _WHOLE in lengths else lengths[-1]
        nothing = mine.scores("path:0")
        whole = difference(mine.scores(f"path:{last}"), nothing)
        for before, length in zip((None, *lengths), lengths, strict=False):
            arm = f"path:{length}"
            share = mine.ratio(difference(mine.scores(arm), nothing), whole) if length else None
            rows.append(
                about(world, model, judge)
                | {"known": length, "score": mine.arm(arm)}
                | {"gain": None if before is None else mine.gain(arm, f"path:{before}"), "share": share}
                | {"paper_score": figure("gains", str(length)), "paper_share": _paper_share(length)}
            )
            if length == 1 and share is not None:
                notes.append(f"{rows[-1]['model']}, {world} judge {judge}: the first question brings {share.mean:.0%}")
    columns = {"model": "model", "source": "source", "judge": "judge", "known": "attributes known", "score": "score"}
    columns |= {"gain": "gain of the last", "share": f"share of the gain after {_WHOLE}"}
    columns |= {"paper_score": "paper: score", "paper_share": "paper: share"}
    return StudyTable("gains", "Gain per question along the planned path", columns, tuple(rows), tuple(notes))


def _paper_share(length: int) -> float | None:
    first, here, last = (figure("gains", str(i)) for i in (0, length, _WHOLE))
    if not length or first is None or here is None or last is None:
        return None
    return round((here - first) / (last - first), 2)
