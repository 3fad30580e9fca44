"""What the Dialogues screen is made of."""
