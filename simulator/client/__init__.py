"""Talking to language models: one request type, one client, whatever serves the model."""
