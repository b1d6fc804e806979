"""Koe, the voice of a house. Importing it is free: nothing heavy loads before it is used."""

__version__ = "0.1.0"
