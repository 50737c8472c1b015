"""The limit to compare with: every line through `orjson.loads`, nothing done with it, one core."""

import sys

import orjson

with open(sys.argv[1], "rb") as file:
    for line in file:
        orjson.loads(line)
