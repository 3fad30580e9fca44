"""What the Scores screen is made of."""
