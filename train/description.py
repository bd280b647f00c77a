"""The plan of a run in words: what will be trained, in which steps, at which rates, and what was lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from corpuskit.cli.terminal import duration
from phases import estimated_steps
from settings import Settings

if TYPE_CHECKING:
    from corpus import Corpus


def describe(settings: Settings, corpus: Corpus) -> str:
    """What `--dry-run` prints."""
    return "\n".join(lines(settings, corpus)) + "\n"


def lines(settings: Settings, corpus: Corpus) -> Iterator[str]:
    """The plan, line by line."""
    train, lora = settings.train, settings.adapters.lora
    unit, target = train.batch.unit, train.batch.target
    yield f"{settings.data.run} -> {settings.output}, profile {settings.profile}"
    scaling = "alpha / sqrt(r)" if lora.rslora else "alpha / r"
    yield f"LoRA r {lora.r}, alpha {lora.alpha} ({scaling}), dropout {lora.dropout}, on {', '.join(lora.target_modules)}"
    if settings.adapters.mode == "grouped":
        groups: dict[str, list[str]] = {}
        for category, group in settings.adapters.groups.items():
            groups.setdefault(group, []).append(category)
        for group, categories in sorted(groups.items()):
            yield f"  {group}: {', '.join(categories)}"
    yield (
        f"{train.optimizer}, {train.scheduler} after a warm-up of {100 * train.warmup_ratio:g} %, gradient norm at most {train.max_grad_norm:g}, "
        f"{train.precision}, {train.batch.size} x {train.batch.accumulate} = {target} {unit} a step"
    )
    yield ""
    yield f"{'phase':<20}{'records':>10}{'packs':>9}{'tokens':>14}{'trained':>14}{'steps':>8}{'rate':>10}"
    for phase in corpus.phases:
        steps = estimated_steps(phase, unit, target)
        yield f"{phase.name:<20}{phase.documents:>10,}{phase.packs:>9,}{phase.tokens:>14,}{phase.supervised:>14,}{steps:>8,}{phase.lr:>10.2g}"
    tokens = sum(phase.tokens for phase in corpus.phases)
    supervised = sum(phase.supervised for phase in corpus.phases)
    packs = sum(phase.packs for phase in corpus.phases)
    documents = sum(phase.documents for phase in corpus.phases)
    steps = sum(estimated_steps(phase, unit, target) for phase in corpus.phases)
    yield f"{'all':<20}{documents:>10,}{packs:>9,}{tokens:>14,}{supervised:>14,}{steps:>8,}"
    yield ""
    yield from mixture(corpus)
    yield ""
    yield f"fill {100 * tokens / max(1, packs * settings.data.length):.2f} % of {packs:,} packs of {settings.data.length:,} tokens"
    if any(corpus.lost.values()):
        yield "lost: " + ", ".join(f"{kind} {count:,}" for kind, count in sorted(corpus.lost.items()))
    if corpus.refused:
        yield "records left out: " + ", ".join(
            f"{reason} {count:,}" for reason, count in sorted(corpus.refused.items())
        )
    speed = known_speed(settings)
    if speed is None:
        yield "time: not known before a first run; the running display tells it after one step"
    else:
        yield f"time: about {duration(tokens / speed)} at {speed:,.0f} tokens/s, the speed of the last run in {settings.output}"


def mixture(corpus: Corpus) -> Iterator[str]:
    """Trained tokens by category and phase, in per cent."""
    categories = sorted({name for phase in corpus.phases for name in phase.categories})
    yield f"{'trained tokens, %':<20}" + "".join(f"{phase.name[:17]:>18}" for phase in corpus.phases)
    for category in categories:
        shares = [100 * phase.categories.get(category, 0) / max(1, phase.supervised) for phase in corpus.phases]
        yield f"  {category:<18}" + "".join(f"{share:>18.1f}" if share else f"{'-':>18}" for share in shares)


def known_speed(settings: Settings) -> float | None:
    """Tokens a second of an earlier run in the same folder."""
    import json

    path = settings.output / "log.jsonl"
    if not path.is_file():
        return None
    speeds = []
    for text in path.read_text("utf-8").splitlines():
        try:
            row = json.loads(text)
        except ValueError:
            continue
        if row.get("event") == "step":
            speeds.append(row["tokens_per_second"])
    return sorted(speeds)[len(speeds) // 2] if speeds else None
