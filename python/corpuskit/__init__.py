"""corpuskit: raw instruction and chat data in; a clean, deduplicated corpus and a full account out.

Example:
    >>> import corpuskit
    >>> corpuskit.normalise_text("donâ€™t")
    'don’t'
"""

from corpuskit._core import DEBUG_BUILD, VERSION, Progress
from corpuskit.errors import (
    CheckError,
    CorpuskitError,
    InputError,
    InternalError,
    OutputError,
    PlanError,
    StrictError,
)

# As `typing` has it, whose import costs more than all that is imported here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from corpuskit.batches import Batches
    from corpuskit.finished import Run, read_run
    from corpuskit.pipeline import Pipeline, Records
    from corpuskit.plan import Plan
    from corpuskit.report import Report
    from corpuskit.rules import bench_rules, check_rules, explain_rules
    from corpuskit.selection import mix, read_selection
    from corpuskit.sources import Source
    from corpuskit.verbs import Converted, audit, convert, explain_drops, normalise_text, peek, tag, why

__version__ = VERSION

if DEBUG_BUILD:
    import warnings

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
    "bench_rules",
    "check_rules",
    "convert",
    "explain_drops",
    "explain_rules",
    "mix",
    "normalise_text",
    "peek",
    "read_run",
    "read_selection",
    "tag",
    "why",
]

_MODULES = {
    "batches": ("Batches",),
    "finished": ("Run", "read_run"),
    "pipeline": ("Pipeline", "Records"),
    "plan": ("Plan",),
    "report": ("Report",),
    "rules": ("bench_rules", "check_rules", "explain_rules"),
    "selection": ("mix", "read_selection"),
    "sources": ("Source",),
    "verbs": ("Converted", "audit", "convert", "explain_drops", "normalise_text", "peek", "tag", "why"),
}
"""What is imported when it is first asked for: the command line's start needs none of it."""

if not TYPE_CHECKING:

    def __getattr__(name):
        """A name of `_MODULES`, or one of these modules itself."""
        from importlib import import_module

        for module, names in _MODULES.items():
            if name == module or name in names:
                imported = import_module(f"{__name__}.{module}")
                globals().update((each, getattr(imported, each)) for each in names)
                return imported if name == module else globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        """The public names, imported or not."""
        return sorted({*globals(), *__all__})
