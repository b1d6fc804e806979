"""Work that is more than one request: each pipeline makes something that is kept."""
