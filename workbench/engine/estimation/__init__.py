"""What a run will take before it starts: measured where units were run before, rehearsed and assumed where not."""
