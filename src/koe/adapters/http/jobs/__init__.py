"""Jobs: productions that take long, given as a file, carried out one after the other, and watched meanwhile."""

from koe.adapters.http.jobs import changing, hearing, listing, submitting, watching
from koe.adapters.http.jobs.listing import install

__all__ = ["ENDPOINTS", "install"]

ENDPOINTS = (
    *submitting.ENDPOINTS,
    *listing.ENDPOINTS,
    *watching.ENDPOINTS,
    *changing.ENDPOINTS,
    *hearing.ENDPOINTS,
)
