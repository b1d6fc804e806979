"""Projects: compositions that are worked on."""

from koe.adapters.http.projects import carrying, clips, keeping, rendering
from koe.adapters.http.projects.workshop import install

__all__ = ["ENDPOINTS", "install"]

# `import` stands before the ids of projects, which the router would take it for.
ENDPOINTS = (*carrying.ENDPOINTS, *keeping.ENDPOINTS, *clips.ENDPOINTS, *rendering.ENDPOINTS)
