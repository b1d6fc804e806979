"""Voices from house to house: out into one file, in from what Koe, voicebox or a folder of recordings holds."""

from koe.voices.transfer.arrival import Arrival, Origin, Parcel
from koe.voices.transfer.export import export_voices
from koe.voices.transfer.importing import ImportReport, OnClash, import_voices
from koe.voices.transfer.reading import read_import

__all__ = ["Arrival", "ImportReport", "OnClash", "Origin", "Parcel", "export_voices", "import_voices", "read_import"]
