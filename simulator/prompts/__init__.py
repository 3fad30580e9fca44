"""Every word that is said to a language model: Jinja2 templates, one a prompt, and how they are rendered."""

from simulator.prompts.loader import render, versions

__all__ = ["render", "versions"]
