"""What most scripts do: `pyarrow.json` reads the file whole, and it is written as Parquet."""

import sys

import pyarrow.json as pj
import pyarrow.parquet as pq

options = pj.ReadOptions(block_size=64 << 20)
pq.write_table(pj.read_json(sys.argv[1], read_options=options), sys.argv[2])
