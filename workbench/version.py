"""The version of the code, recorded with every result it produces."""

__version__ = "0.1.0"
