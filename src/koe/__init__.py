"""Koe, the voice of a house. Importing it is free: nothing heavy loads before it is used."""

from importlib.metadata import version

__version__ = version("koe")
