"""Text on its way to an engine: raw pieces -> normalise -> segment -> what an engine is fed.

Each stage is incremental (`feed`, `finish`), pure, and linear in the length of its input, and gives the
same result wherever the pieces were cut.
"""
