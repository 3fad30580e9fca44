"""The terminal app: screens that read the store and never do the engine's work."""
