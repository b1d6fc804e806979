"""Audio at rest and on its way: files, sample rates."""
