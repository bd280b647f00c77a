"""`python -m corpuskit` is the command `corpuskit`."""

import sys

from corpuskit.cli import main

sys.exit(main())
