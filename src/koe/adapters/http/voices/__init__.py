"""Voices over HTTP: all that `koe voices` does."""

from koe.adapters.http.voices import (
    carrying,
    designing,
    hearing,
    listing,
    making,
    omni,
    open_speech,
    preparing,
    references,
)

# /api/voices/export comes before /api/voices/{voice_id}, which would take it for a voice.
ENDPOINTS = (
    *carrying.ENDPOINTS,
    *listing.ENDPOINTS,
    *making.ENDPOINTS,
    *references.ENDPOINTS,
    *hearing.ENDPOINTS,
    *preparing.ENDPOINTS,
    *designing.ENDPOINTS,
    *open_speech.ENDPOINTS,
    *omni.ENDPOINTS,
)
