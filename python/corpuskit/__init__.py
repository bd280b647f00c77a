"""corpuskit: raw instruction and chat data in; a clean, deduplicated corpus and a full account out.

Example:
    >>> import corpuskit
    >>> corpuskit.normalise_text("donâ€™t")
    'don’t'
"""

import warnings

from corpuskit._core import DEBUG_BUILD, VERSION, Progress
from corpuskit.batches import Batches
from corpuskit.errors import (
    CheckError,
    CorpuskitError,
    InputError,
    InternalError,
    OutputError,
    PlanError,
    StrictError,
)
from corpuskit.finished import Run, read_run
from corpuskit.pipeline import Pipeline, Records
from corpuskit.plan import Plan
from corpuskit.report import Report
from corpuskit.rules import check_rules, explain_rules
from corpuskit.selection import mix, read_selection
from corpuskit.sources import Source
from corpuskit.verbs import Converted, audit, convert, normalise_text, peek, why

__version__ = VERSION

if DEBUG_BUILD:
    warnings.warn(
        "corpuskit was built without --release and is ten times slower; run `maturin develop --release`",
        RuntimeWarning,
        stacklevel=2,
    )

__all__ = [
    "Batches",
    "CheckError",
    "Converted",
    "CorpuskitError",
    "InputError",
    "InternalError",
    "OutputError",
    "Pipeline",
    "Plan",
    "PlanError",
    "Progress",
    "Records",
    "Report",
    "Run",
    "Source",
    "StrictError",
    "__version__",
    "audit",
    "check_rules",
    "convert",
    "explain_rules",
    "mix",
    "normalise_text",
    "peek",
    "read_run",
    "read_selection",
    "why",
]
