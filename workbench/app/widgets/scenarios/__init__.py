"""What the Scenarios screen is made of."""
