"""Token columns of a run folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpuskit import _core
from corpuskit.tokenise import tokenise

if TYPE_CHECKING:
    from corpuskit._core import EffectivePlan
    from corpuskit._plan_face import AnyPlan
    from corpuskit.pipeline import PathLike

__all__ = ["count"]


def count(
    folder: PathLike,
    tokenizer: PathLike,
    *,
    plan: AnyPlan | EffectivePlan = None,
    template: str | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Writes the tokens of every record beside the columns of a run folder: `counts/part-00000.parquet` and so on.

    A row is a line of the data shard of the same name: `tokens` and `supervised` before any overflow policy, `reason`
    where the record cannot be trained on. The manifest names the new files; `audit` checks them.

    Args:
        folder: A finished run folder.
        tokenizer: The folder of a Hugging Face tokenizer.
        plan: Its sections `tokenise`, `condition` and `pack` decide.
        template: A chat template to be used in place of the tokenizer's own.
        threads: Threads that tokenise; all cores if None.

    Returns:
        `ledger`: what became of every token, by category and source; `faults`: what the settings call an error;
        `notes`: which template and tokenizer were used.

    Raises:
        InputError: The run folder or the tokenizer cannot be used.
    """
    store = tokenise(folder, tokenizer, plan=plan, template=template, threads=threads, check=False)
    by_category = json.loads(_core.write_counts(os.fspath(Path(folder)), store.folder))
    found = store.ledger()
    # Of the columns, whoever labelled the records and whenever.
    found["ledger"]["categories"] = by_category
    return {**found, "notes": store.meta["notes"]}
