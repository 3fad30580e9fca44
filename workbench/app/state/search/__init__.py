"""The Search screen: searches replayed to any rollout, as tree, lattice, curves, differences and files."""
