"""Scenarios, the worlds that answer, the simulated user, the online agent and the judge."""
