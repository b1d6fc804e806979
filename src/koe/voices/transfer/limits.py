"""How much an import may bring."""

MIB = 1024 * 1024

MOST_ENTRIES = 1000
MOST_PER_FILE = 32 * MIB
"""Bytes, unpacked."""

MOST_IN_ALL = 256 * MIB
"""Bytes, unpacked."""

MOST_TEXT = MIB
"""Bytes of a file of text or of JSON."""

MOST_DEPTH = 16
"""Of lists and objects within each other in JSON."""

MOST_RATIO = 200
"""Of a file's size to what it takes in the archive, from `RATIO_MATTERS` on: speech reaches 3, silence 1000."""

RATIO_MATTERS = MIB
"""Bytes."""

MOST_ARCHIVE = MOST_IN_ALL + 16 * MIB
"""Bytes of an archive as it comes: all its files without any compression, and what stands around them."""

MOST_DIRECTORY = MIB
"""Bytes of a zip's table of contents: a thousand entries with names and attributes have room, a million have none."""
