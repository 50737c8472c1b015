"""Outside formats: find the files, see what they are, read them exactly, write them back.

Adding a format: one file that ends in `FORMAT = Format(...)`, and one line in `registry.py`.
"""

from tamis.formats.base import Detection, Format, Range, ReadBatch, Source
from tamis.formats.detect import detect, refuse
from tamis.formats.read import read_range
from tamis.formats.registry import FORMATS, get_format
from tamis.formats.sources import find_sources
from tamis.formats.split import split
from tamis.formats.write import encode, raw_bytes, replacing, write_file

__all__ = [
    "FORMATS",
    "Detection",
    "Format",
    "Range",
    "ReadBatch",
    "Source",
    "detect",
    "encode",
    "find_sources",
    "get_format",
    "raw_bytes",
    "read_range",
    "refuse",
    "replacing",
    "split",
    "write_file",
]
