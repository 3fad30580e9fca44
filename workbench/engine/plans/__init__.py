"""Plans of one or several runs: presets, files of experiments, sweeps, and studies that run them together."""
