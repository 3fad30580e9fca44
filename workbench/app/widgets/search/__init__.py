"""What the Search screen is made of."""
