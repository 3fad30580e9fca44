"""Running experiments, knowing nothing of how it is shown.

Here: options, the experiment and its identity, units of work by phase, the one writer. Folders: `scenarios` (where they
come from), `plans` (several runs), `estimation` (before a run), `steering` (while it works), `revisit` (afterwards).
"""
