"""Intervals, score tables, and the published figures to stand beside them."""
