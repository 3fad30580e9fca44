"""Options that several commands have, said once; `as opt`. Imports nothing heavy: `--help` must be quick."""

from pathlib import Path
from typing import Annotated

import typer

# Which scenarios there are

Synthetic = Annotated[int | None, typer.Option(help="Build this many synthetic scenarios and use those.")]
Source = Annotated[str | None, typer.Option(help="Only stored scenarios from this source.")]
Domains = Annotated[str | None, typer.Option(help="Only these domains, e.g. Health,Life.")]
Limit = Annotated[int | None, typer.Option(help="A seeded choice of this many, spread over the domains.")]

# Who answers, and where models are served

World = Annotated[str | None, typer.Option(help="Who answers: surrogate or model.")]
BaseUrl = Annotated[str | None, typer.Option(help="Where models are served, up to /v1.")]
KeyEnv = Annotated[str | None, typer.Option(help="Environment variable that holds the endpoint's key.")]
MaxInFlight = Annotated[int | None, typer.Option(help="Calls in flight at most, per endpoint.")]
Timeout = Annotated[float | None, typer.Option(help="Seconds for one try of a call.")]
Structured = Annotated[str | None, typer.Option(help="Structured replies: auto, json_schema or fallback.")]
Embedder = Annotated[str | None, typer.Option(help="lexical, all-MiniLM-L6-v2 or served:MODEL.")]
Vllm = Annotated[str | None, typer.Option(help="The vllm command; else VLLM_COMMAND, else the PATH's.")]

# How paths are planned

Planner = Annotated[str | None, typer.Option(help="search, static, random, greedy or exhaustive.")]
Rule = Annotated[str | None, typer.Option(help="Selection rule: raise or raise-literal.")]
Rollouts = Annotated[int | None, typer.Option(help="Rollouts per search (T).")]
Depth = Annotated[int | None, typer.Option(help="Attributes per path.")]
Exploration = Annotated[float | None, typer.Option(help="Weight of the exploration term.")]
Decay = Annotated[float | None, typer.Option(help="Prior of rank r falls by exp(-decay r).")]
Evaluations = Annotated[str | None, typer.Option(help="Samples per subset: fresh or cache:r.")]
Top = Annotated[int, typer.Option(min=1, help="Children shown of each node.")]
MinVisits = Annotated[int | None, typer.Option(min=1, help="Show nodes of at least so many rollouts.")]

# How the work goes

Seed = Annotated[int | None, typer.Option(help="Sets every seed.")]
Concurrency = Annotated[int | None, typer.Option(help="Units worked on at once; else 64 for models, 8.")]
MaxCalls = Annotated[int | None, typer.Option(help="Stop before a call to a model beyond so many.")]
MaxCost = Annotated[float | None, typer.Option(help="Stop before a call that might cost more in all.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what it will take: units, calls, tokens, time, cost.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Do failed units again.")]
Paused = Annotated[bool, typer.Option("--paused", help="Begin held: `workbench control` steps and resumes.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]

# What is shown or written

Run = Annotated[str | None, typer.Argument(help="A run's id or its beginning; else the latest run.", metavar="RUN")]
Scenario = Annotated[str | None, typer.Argument(help="A scenario's id or its beginning.", metavar="SCENARIO")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The file to write, whole or not at all; else stdout.")
]
