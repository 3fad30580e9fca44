"""Synthetic scenarios: profiles from the paper's dependency graph, queries and emotional states from templates.

What is drawn stands in three data files: `graph.toml` (probabilities), `queries.toml` and `emotions.toml` (texts).
"""

from simulator.build.builder import build

__all__ = ["build"]
