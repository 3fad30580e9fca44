"""The surrogate world: offline, deterministic, its reward known for all 1,024 subsets (docs/surrogate.md)."""

from simulator.surrogate.world import SurrogateSession, SurrogateWorld

__all__ = ["SurrogateSession", "SurrogateWorld"]
