"""The checkpoints of Qwen3-TTS over HTTP: what `koe models` does, and what of it is in memory."""

from koe.adapters.http.models import downloading, keeping, listing
from koe.adapters.http.models.listing import downloads_of, install

__all__ = ["ENDPOINTS", "downloads_of", "install"]

ENDPOINTS = (*listing.ENDPOINTS, *downloading.ENDPOINTS, *keeping.ENDPOINTS)
