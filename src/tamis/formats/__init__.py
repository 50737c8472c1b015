"""Outside formats: find the files, see what they are, read them exactly, write them back.

Adding a format: one file that ends in `FORMAT = Format(...)`, and one line in `registry.py`.
"""

from tamis.formats.base import Detection, Format, Range, ReadBatch, Reading, Source
from tamis.formats.detect import detect, refuse
from tamis.formats.read import read_range
from tamis.formats.registry import FORMATS, get_format, name_of, writable
from tamis.formats.sources import find_sources
from tamis.formats.split import split
from tamis.formats.write import encode, raw_bytes, replacing, write_file

__all__ = [
    "FORMATS",
    "Detection",
    "Format",
    "Range",
    "ReadBatch",
    "Reading",
    "Source",
    "detect",
    "encode",
    "find_sources",
    "get_format",
    "name_of",
    "raw_bytes",
    "read_range",
    "refuse",
    "replacing",
    "split",
    "writable",
    "write_file",
]
