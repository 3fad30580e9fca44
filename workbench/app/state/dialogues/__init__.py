"""The Dialogues screen: dialogues beside each other, replayed by steps, listed and taken over."""
