"""The workbench: command line, engine, statistics and, later, the terminal app."""
