"""How much an import may bring."""

from koe.core.zips import MIB

MOST_ENTRIES = 1000
MOST_PER_FILE = 32 * MIB
"""Bytes, unpacked."""

MOST_IN_ALL = 256 * MIB
"""Bytes, unpacked."""

MOST_TEXT = MIB
"""Bytes of a file of text or of JSON."""

MOST_DEPTH = 16
"""Of lists and objects within each other in JSON."""

MOST_ARCHIVE = MOST_IN_ALL + 16 * MIB
"""Bytes of an archive as it comes: all its files without any compression, and what stands around them."""
