"""Deciding what to ask: subsets, selection rules, searches, their traces, and the library of planned paths."""
