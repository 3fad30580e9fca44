"""Between a run's process and everybody else: who works on it, how it is launched, told and interrupted."""
