"""What holds for all tests."""

from hypothesis import settings

# A test states what comes out, never how long one example takes: a busy machine has pauses.
settings.register_profile("koe", deadline=None)
settings.load_profile("koe")
