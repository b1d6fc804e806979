"""Voices over HTTP: all that `koe voices` does."""

from koe.adapters.http.voices import (
    carrying,
    checking,
    designing,
    hearing,
    listing,
    making,
    omni,
    open_speech,
    preparing,
    references,
)

# /api/voices/export and /api/voices/abilities come before /api/voices/{voice_id}, which would take them for voices.
ENDPOINTS = (
    *carrying.ENDPOINTS,
    *checking.ENDPOINTS,
    *listing.ENDPOINTS,
    *making.ENDPOINTS,
    *references.ENDPOINTS,
    *hearing.ENDPOINTS,
    *preparing.ENDPOINTS,
    *designing.ENDPOINTS,
    *open_speech.ENDPOINTS,
    *omni.ENDPOINTS,
)
