"""The yardstick: a Python loop that reads lines, parses and writes each with orjson, one thread.

python benches/loop.py IN OUT
"""

import sys
from pathlib import Path

import orjson

if __name__ == "__main__":
    with Path(sys.argv[1]).open("rb") as source, Path(sys.argv[2]).open("wb") as target:
        for line in source:
            target.write(orjson.dumps(orjson.loads(line)) + b"\n")
