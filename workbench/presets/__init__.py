"""Experiments of the paper as TOML files (docs/experiments.md); read by `workbench.engine.plans.presets`."""
