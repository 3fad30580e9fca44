"""Tests of the model world."""
