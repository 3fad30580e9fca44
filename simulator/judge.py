"""Judging a response with repeats: the mean of what could be read, or a failure (experiments.md, "One evaluation")."""

from dataclasses import replace

import anyio

from simulator.client.types import ChatError, UnusableEndpointError
from simulator.world import DIMENSIONS, Draw, JudgementError, Response, Session, Verdict


async def judge_response(session: Session, response: Response, judge: str, repeats: int, draw: Draw) -> Verdict:
    """Let one judge see a response `repeats` times, at once, and average each dimension over the valid judgements.

    Repeat i has the sample number `draw.sample * repeats + i`, so no two judgements of one owner and purpose share one.
    Results are taken in the order of the repeats, never of arrival.

    Returns:
        The verdict with `repeats` asked, `valid` read, and the rationale of the first valid one.

    Raises:
        JudgementError: fewer than ceil(repeats / 2) judgements were valid; the message lists why.
        ValueError: `repeats` is less than 1.
        UnusableEndpointError: nothing goes through to the judge's model; within a group where there are repeats.
    """
    if repeats < 1:
        raise ValueError(f"a response is judged at least once, not {repeats} times")
    results: list[Verdict | JudgementError] = [JudgementError("no judgement")] * repeats

    async def judge_once(i: int) -> None:
        try:
            verdict = await session.judge(response, judge, draw._replace(sample=draw.sample * repeats + i))
            results[i] = _checked(verdict)
        except UnusableEndpointError:
            raise  # no other judgement would fare better
        except (JudgementError, ChatError) as error:
            results[i] = JudgementError(str(error))

    if repeats == 1:
        await judge_once(0)
    else:
        async with anyio.create_task_group() as tasks:
            for i in range(repeats):
                tasks.start_soon(judge_once, i)

    valid = [result for result in results if isinstance(result, Verdict)]
    needed = (repeats + 1) // 2
    if len(valid) < needed:
        reasons = "; ".join(dict.fromkeys(str(result) for result in results if isinstance(result, JudgementError)))
        raise JudgementError(
            f"{len(valid)} of {repeats} judgements by {judge} were valid, {needed} are needed: {reasons}"
        )
    first, second, third = (sum(column) / len(valid) for column in zip(*(v.dimensions for v in valid), strict=True))
    return replace(valid[0], dimensions=(first, second, third), repeats=repeats, valid=len(valid))


def _checked(verdict: Verdict) -> Verdict:
    """Return the verdict if each dimension is 1 to 5; a value that is no number fails the comparison, too."""
    for name, value in zip(DIMENSIONS, verdict.dimensions, strict=True):
        if not 1 <= value <= 5:
            raise JudgementError(f"{name} = {value} is not 1 to 5")
    return verdict
