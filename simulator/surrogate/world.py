"""The surrogate world: scenarios lived offline, every draw keyed, every true score known (experiments.md)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.client.types import Ledger, ResponseCache
from simulator.crisis import signals_immediate_danger
from simulator.dialogue import Knowledge, Neighbour, Question, Reply
from simulator.scenario import Scenario
from simulator.surrogate import agent
from simulator.surrogate.latent import Belief, Latent
from simulator.surrogate.noise import normals
from simulator.surrogate.parameters import JudgeParameters, Parameters, parameters
from simulator.surrogate.texts import question_text, rationale, response_text, texts_digest
from simulator.user import simulate_reply
from simulator.world import Draw, Persona, Response, Style, Verdict

_PREFIX = "surrogate/"


class SurrogateWorld:
    """The world behind every surrogate number; its fields are those of `simulator.world.World`."""

    name = "surrogate"
    noisy = True

    def __init__(self) -> None:
        p = parameters()
        self.version = f"{p.version}-{p.digest}-{texts_digest()}"
        self.models: tuple[str, ...] = tuple(_PREFIX + model for model in p.models)
        self.judges: tuple[str, ...] = tuple(p.judges)

    @property
    def prompts(self) -> Mapping[str, str]:
        """There are none: texts and parameters are part of `version`."""
        return {}

    @asynccontextmanager
    async def serving(self, cache: ResponseCache, ledger: Ledger) -> AsyncIterator[None]:  # noqa: ARG002
        """Nothing has to be kept open."""
        yield

    def open(self, scenario: Scenario, model: str, seed: int) -> "SurrogateSession":
        """Return a session; it computes nothing until it is asked.

        Raises:
            KeyError: there is no such model.
        """
        if model not in self.models:
            raise KeyError(f"the surrogate has no model {model!r}; it has {', '.join(self.models)}")
        return SurrogateSession(scenario, model, seed, parameters())


class SurrogateSession:
    """One scenario and one model. The methods are those of `simulator.world.Session`; none of them can fail."""

    def __init__(self, scenario: Scenario, model: str, seed: int, p: Parameters) -> None:
        self.scenario = scenario
        self.model = model
        self._seed = seed
        self._p = p
        self._key = (seed, scenario.id, model)
        self._judges: dict[str, tuple[JudgeParameters, list[float]]] = {}

    async def rank(self, mask: int, available: int) -> Sequence[int]:
        """Rank by the imperfect prior."""
        return agent.rank(self._belief, mask, available)

    async def evaluate(self, mask: int, judge: str, draw: Draw) -> Verdict:
        """Respond and judge in one step: the verdict that `judge` gives to the response of the same draw.

        Raises:
            KeyError: there is no such judge.
        """
        known = mask & self.scenario.profile.known
        return self._verdict(known, 0, "instruction" if known else "plain", draw, judge, draw)

    async def respond(self, knowledge: Knowledge, style: Style, draw: Draw) -> Response:
        """Answer from templates that use what is known, as it was said; only what is true of the person counts."""
        full = self._true(knowledge)
        key = (*self._key, *draw, style, full, knowledge.partial)
        text = response_text(self.scenario.domain, knowledge, style, key)
        return Response(text, style, full, knowledge.partial, draw)

    async def judge(self, response: Response, judge: str, draw: Draw) -> Verdict:
        """Judge by the latent worth of what the response was given, the response's luck, and the judge's own error.

        Raises:
            KeyError: there is no such judge.
        """
        return self._verdict(response.full, response.partial, response.style, response.draw, judge, draw)

    async def completeness(self, knowledge: Knowledge, asked: int, draw: Draw) -> int:
        """Rate by the imperfect prior, with an error of its own for each state of the dialogue."""
        return agent.completeness(self._belief, knowledge, self._error(knowledge, asked, draw))

    async def sufficient(self, knowledge: Knowledge, asked: int, draw: Draw) -> bool:
        """Say yes or no by the same imperfect prior, less exactly."""
        return agent.sufficient(self._belief, knowledge, self._error(knowledge, asked, draw), agent.BINARY)

    async def answer_or_ask(
        self, knowledge: Knowledge, asked: int, neighbours: Sequence[Neighbour], draw: Draw
    ) -> Question | None:
        """Answer where enough seems known by the same imperfect prior, still less exactly; else choose.

        Raises:
            ValueError: everything was asked.
        """
        if agent.sufficient(self._belief, knowledge, self._error(knowledge, asked, draw), agent.BASIC):
            return None
        return await self.choose(knowledge, asked, neighbours, draw)

    async def choose(self, knowledge: Knowledge, asked: int, neighbours: Sequence[Neighbour], draw: Draw) -> Question:
        """Choose by the imperfect prior and the neighbours' paths.

        Raises:
            ValueError: everything was asked.
        """
        attribute = agent.choose(self._belief, knowledge, asked, neighbours, self._p.w)
        holding = sum(attribute in neighbour.path for neighbour in neighbours)
        reason = "expected to add most to what is known"
        if neighbours:
            reason += f"; on the path of {holding} of {len(neighbours)} similar queries"
        return Question(attribute, question_text(attribute, (*self._key, *draw)), reason)

    async def question(self, attribute: int, knowledge: Knowledge, draw: Draw) -> Question:  # noqa: ARG002
        """Word the question for an attribute that was chosen otherwise; the templates need no more than that."""
        return Question(attribute, question_text(attribute, (*self._key, *draw)))

    async def reply(self, question: Question, persona: Persona, draw: Draw) -> Reply:  # noqa: ARG002
        """Answer as the simulated user.

        The key leaves out model and draw: a person who will not speak of something will not in any arm, whichever
        model asks and whenever, so that arms meet the same person.
        """
        return simulate_reply(self.scenario.profile, question, persona, (self._seed, self.scenario.id, "user"))

    async def in_crisis(self) -> bool:
        """Look for explicit present danger with the documented phrase list."""
        return signals_immediate_danger(self.scenario.query)

    def true_score(self, knowledge: Knowledge, style: Style = "instruction") -> float:
        """Return the latent mean (1-5) of answering from `knowledge`, before response noise and judges."""
        return sum(self._worth(self._true(knowledge), knowledge.partial, style)) / 3

    def true_scores(self) -> NDArray[np.float64]:
        """Return the latent mean (1-5) of all subsets, `[1024]`; row = mask, nothing known = plain prompt."""
        scores: NDArray[np.float64] = self._table.mean(axis=1)
        return scores

    def _error(self, knowledge: Knowledge, asked: int, draw: Draw) -> float:
        """Return the error of judging what is known, on the scale of completeness."""
        error, *_ = normals(*self._key, *draw, "completeness", knowledge.full, knowledge.partial, asked)
        return self._p.completeness_noise * error

    def _true(self, knowledge: Knowledge) -> int:
        """Return the mask of what is known without the values that depart from the profile.

        A person who took the dialogue over may say anything. The agent believes it, and answers accordingly; the
        table says what this profile's own values are worth and nothing of others, so those add nothing.
        """
        profile = self.scenario.profile
        departing = sum(1 << i for i, v in knowledge.values.items() if knowledge.full >> i & 1 and v != profile[i])
        return knowledge.full & ~departing

    @cached_property
    def _latent(self) -> Latent:
        return Latent(self.scenario, self.model.removeprefix(_PREFIX), self._p)

    @cached_property
    def _table(self) -> NDArray[np.float64]:
        return self._latent.table()

    @cached_property
    def _belief(self) -> Belief:
        return Belief(self.scenario, self.model.removeprefix(_PREFIX), self._p)

    def _worth(self, full: int, partial: int, style: Style) -> list[float]:
        """Return the latent value of each dimension, `[3]`.

        The table is calibrated with the prompt that each arm uses: plain where nothing is known, else with the
        instruction. The assumed effects apply where a response departs from that.
        """
        row: list[float] = (self._latent.of(Knowledge(full, partial)) if partial else self._table[full]).tolist()
        departs = (style != "plain") - bool(full | partial)
        effect = departs * self._p.instruction_effect + (style == "crisis") * self._p.crisis_effect
        return [min(5.0, max(1.0, value + effect)) for value in row] if effect else row

    def _verdict(self, full: int, partial: int, style: Style, made: Draw, judge: str, draw: Draw) -> Verdict:
        """Round latent + response noise (keyed by `made`) + judge bias and noise (keyed by `draw`) to integers 1-5."""
        character, bias = self._judge(judge)
        shared, *own = normals(*self._key, *made, "response", style, full, partial)
        errors = normals(*self._key, *draw, "judge", judge, *made, style, full, partial)
        base = self._p.noise_shared * shared
        scale = self._p.noise_own
        value = [
            worth + base + scale * own[d] + bias[d] + character.noise[d] * errors[d]
            for d, worth in enumerate(self._worth(full, partial, style))
        ]
        # Half up, then clipped: int() truncates, which is floor for what stays positive.
        risk, empathy, alignment = (min(5, max(1, int(v + 0.5))) for v in value)
        dimensions = (risk, empathy, alignment)
        return Verdict(judge, dimensions, rationale=rationale(dimensions))

    def _judge(self, name: str) -> tuple[JudgeParameters, list[float]]:
        """Return a judge and its standing bias in this scenario, `[3]`: true of the judge, so the seed has no part."""
        if name not in self._judges:
            if name not in self._p.judges:
                raise KeyError(f"the surrogate has no judge {name!r}; it has {', '.join(self._p.judges)}")
            judge = self._p.judges[name]
            views = normals("surrogate", self._p.version, "judge", name, self.scenario.id)
            bias = [offset + sd * view for offset, sd, view in zip(judge.leniency, judge.case_sd, views, strict=False)]
            self._judges[name] = judge, bias
        return self._judges[name]
