"""The Runs screen: every run in a line, one of them in full."""
