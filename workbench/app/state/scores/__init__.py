"""The Scores screen: verdicts of a run as columns, and what is made of them; blind rating."""
