"""espeak-ng: speaks within milliseconds of the first start, in over a hundred languages, with nothing to download."""

from koe.engine.espeak.engine import EspeakEngine

__all__ = ["EspeakEngine"]
