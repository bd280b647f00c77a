"""The picture of a training run: one HTML page with nothing to load from elsewhere."""

from corpuskit.training_page.page import write_page
from corpuskit.training_page.run import Run, read_run

__all__ = ["Run", "read_run", "write_page"]
