"""What response and verdicts would be if a stored dialogue had stopped at a question: made once, then stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.agent import learned, response_style
from simulator.world import Style
from storage.branches import StoredTrial, probe_rows, read_trial, save_probe
from storage.database import open_readonly
from storage.sqlite import Database
from workbench.engine.errors import UsageError, first_cause
from workbench.engine.revisit.reopen import Reopened, working
from workbench.engine.trial import answer


@dataclass(frozen=True, slots=True)
class ProbeEstimate:
    """What a probe would take.

    Fields:
        judges: those whose verdict is not stored yet.
        calls: to language models, at most (repairs of unreadable replies aside, and before what the cache holds); 0 on
            the surrogate, and where everything is stored.
    """

    judges: tuple[str, ...]
    calls: int


def estimate_probe(db: Database, unit: int, step: int, judges: Sequence[str] = ()) -> ProbeEstimate:
    """Tell what a probe would take: one call for the response, and one per judge and repeat.

    Args:
        step: answered before this question, 0 to the number of turns. judges: empty = who judged the trial.

    Raises:
        NotFoundError: the unit has no dialogue. UsageError: the dialogue has no such step.
    """
    trial = read_trial(db, unit)
    _check(trial, step)
    stored = probe_rows(db, unit, step)
    missing = _missing(stored, judges or trial.judges)
    repeats = int(trial.experiment.get("repeats", 1))
    calls = (not stored) + len(missing) * repeats if missing and trial.world == "model" else 0
    return ProbeEstimate(missing, calls)


async def probe(path: Path, reopened: Reopened, step: int) -> bool:
    """Answer from what was known before a question, have it judged, and store that; what is stored is not made again.

    The draw is that of the trial's own answer, so that probing its end gives what it ended with. A failed judgement is
    stored as failed, and tried again the next time.

    Returns:
        False where a signal stopped it before everything was stored.

    Raises:
        UsageError: the dialogue has no such step.
        InvalidReplyError: there was no usable answer. ChatError: the server gave none.
        StorageError: the database can't be written.
    """
    trial = reopened.trial
    _check(trial, step)
    done = False
    try:
        async with working(path, reopened, trial.run, trial.unit) as at_work:
            db = open_readonly(path)
            try:
                stored = probe_rows(db, trial.unit, step)
            finally:
                db.conn.close()
            missing = _missing(stored, reopened.judges)
            if missing:
                knowledge = learned(trial.turns[:step])
                style: Style = "crisis" if trial.crisis else response_style(knowledge)
                # A response that an earlier probe made comes out of the cache.
                found = await answer(reopened.session(), knowledge, style, trial.arm, missing, reopened.repeats)
                text, views, failures = found.response.text, found.verdicts, found.failures
                await at_work.writer.write(lambda db: save_probe(db, trial.unit, step, text, views, failures))
            done = True
    except BaseExceptionGroup as group:
        raise first_cause(group) from group
    return done


def _missing(stored: Sequence[dict[str, object]], judges: Sequence[str]) -> tuple[str, ...]:
    have = {row["judge"] for row in stored if row["score"] is not None}
    return tuple(judge for judge in judges if judge not in have)


def _check(trial: StoredTrial, step: int) -> None:
    if trial.kind == "import":
        raise UsageError(f"unit {trial.unit} was read from a file: there is no world that could answer")
    if not 0 <= step <= len(trial.turns):
        raise UsageError(f"--at {step}: the dialogue of unit {trial.unit} has {len(trial.turns)} turns")
