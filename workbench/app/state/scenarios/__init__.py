"""The Scenarios screen, and the form that runs are started from."""
