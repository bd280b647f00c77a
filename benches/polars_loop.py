"""polars reading JSON lines and writing them again, its way: columns, one thread.

POLARS_MAX_THREADS=1 python benches/polars_loop.py IN OUT
"""

import sys

import polars

if __name__ == "__main__":
    polars.read_ndjson(sys.argv[1], infer_schema_length=None).write_ndjson(sys.argv[2])
