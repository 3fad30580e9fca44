"""Running experiments: options, identity, units of work, phases, resume. Knows nothing of how it is shown."""
