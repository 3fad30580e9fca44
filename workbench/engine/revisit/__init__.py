"""Going back to what a run stored: the same world opened again, to explain, judge or run on from there."""
