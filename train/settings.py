"""Every setting of a training run, with the seed's values as defaults.

Field names, sections and meanings are those of the plan (`curriculum`, `adapters`, `train`); `reading.py` fills the classes
from YAML. A setting that is wrong stops the run before a model is loaded. Sources of the values: the configuration that the
corpus was designed for (rank 32, alpha 64, dropout 0.05 on seven modules, 4 x 8 examples, AdamW, cosine after a warm-up of 3 %,
clipping at 1.0, bf16, five phases with their rates).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reading import SettingError, read_settings

SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
FIVE_GROUPS = {
    "technical": "tech_expert",
    "tool_api": "tech_expert",
    "instructional": "tech_expert",
    "analytical": "analytic",
    "factual": "analytic",
    "ethical": "analytic",
    "empathetic": "emotive",
    "conversational": "emotive",
    "creative": "creative",
    "specialized": "esoteric",
}


@dataclass(frozen=True, kw_only=True)
class Model:
    """The base model, which stays frozen."""

    path: str
    """A folder in the format of transformers, or `hub:ORGANISATION/NAME`, the one way to cause a download."""
    attention: Literal["varlen", "sdpa", "eager", "flash_attention_2"] = "varlen"
    """`varlen` reads document borders from `cu_seq_lens`; the others must pass the isolation test too."""
    use_cache: bool | None = False
    """False keeps documents apart everywhere. `null` leaves the model's own default, which the isolation test may refuse."""
    gradient_checkpointing: bool = False
    """Computes activations a second time in the backward pass, to need less memory."""
    compile: bool = False
    """Compiles each decoder layer (CUDA)."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """What is trained on."""

    run: Path
    """The folder that `corpuskit process` wrote."""
    tokenizer: Path
    """A tokenizer folder with a chat template; usually the model's own folder."""
    selection: Path | None = None
    """The folder that `corpuskit mix` wrote; made inside the output folder if none is named."""
    length: int = 4096
    """Tokens a pack."""
    rows: int = 1
    """Packs that go through the model together."""
    overflow: Literal["error", "drop", "tail_turns", "window"] = "window"
    """What becomes of a conversation that is longer than a pack."""
    untrainable: Literal["error", "drop"] = "error"
    """What becomes of a record in which nothing is trained, or that the chat template would not say in full."""
    leak_guard: Literal["error", "strip", "warn"] = "error"
    """What becomes of a record whose text holds a label such as `<persona:x>`, or the name of one of our fields."""
    validation: float = 0.01
    """Share of the records that is kept for evaluation, when the selection is made here."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase of the curriculum."""

    name: str
    lr: float
    """The highest learning rate of the phase, before `lr_scale`."""
    include: Literal["all"] | tuple[str, ...] = "all"
    """Categories, or `all`; decides when the selection is made here, and is compared with a selection that was made before."""


SEED_PHASES = (
    Phase(name="foundation", include=("technical", "factual"), lr=2.0e-5),
    Phase(name="analytical", include=("analytical", "ethical"), lr=1.5e-5),
    Phase(name="empathic_creative", include=("empathetic", "creative"), lr=1.0e-5),
    Phase(name="mixed", lr=5.0e-6),
    Phase(name="fine_tuning", lr=3.0e-6),
)


@dataclass(frozen=True, kw_only=True)
class Curriculum:
    """Phases, one epoch each."""

    phases: tuple[Phase, ...] = SEED_PHASES
    replay: float = 0.15
    """Share of earlier phases' records in each focused phase after the first."""
    unlisted: str | None = "mixed"
    """The phase in which categories come first that no phase names, and records without one; `null`: they come wherever all come."""
    max_epochs_per_record: int = 4
    """How often a record may be seen in all, replay included."""


@dataclass(frozen=True, kw_only=True)
class Lora:
    """LoRA, named as in the seed."""

    r: int = 32
    alpha: int = 64
    dropout: float = 0.05
    bias: Literal["none"] = "none"
    task_type: Literal["CAUSAL_LM"] = "CAUSAL_LM"
    target_modules: tuple[str, ...] = SEVEN
    rslora: bool = False
    """Scales by alpha / sqrt(r) instead of alpha / r (arXiv 2312.03732)."""


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """One adapter, or one a group of categories."""

    mode: Literal["single", "grouped"] = "single"
    groups: dict[str, str] = field(default_factory=lambda: dict(FIVE_GROUPS))
    """Category to adapter, in mode `grouped`."""
    lora: Lora = field(default_factory=Lora)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One optimizer step, over all processes."""

    unit: Literal["examples", "rows", "tokens"] = "examples"
    size: int = 4
    accumulate: int = 8

    @property
    def target(self) -> int:
        """Units a step: 32 examples with the seed's values, whatever the number of processes."""
        return self.size * self.accumulate


@dataclass(frozen=True, kw_only=True)
class Train:
    """The optimizer and its schedule."""

    batch: Batch = field(default_factory=Batch)
    optimizer: Literal["adamw"] = "adamw"
    scheduler: Literal["cosine", "constant"] = "cosine"
    warmup_ratio: float = 0.03
    """Share of each phase's supervised tokens during which the rate climbs."""
    final_ratio: float = 0.0
    """Where the cosine of a phase ends, as a share of the phase's rate."""
    lr_scale: float = 1.0
    """Multiplies every rate: the seed's rates are small for LoRA, about a tenth of what is usual."""
    max_grad_norm: float = 1.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    precision: Literal["bf16", "fp32"] = "bf16"
    max_steps: int | None = None
    """Stops after so many steps; the schedule stays that of the whole corpus."""


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Loss by category on the validation split."""

    per_phase: int = 2
    """Evaluations a phase, the one at its end included; 0 switches evaluation off."""
    packs: int = 64
    """Packs of the validation split, always the same ones."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Adapter, optimizer and position, written atomically."""

    minutes: float = 20.0
    """Time between two checkpoints; also one at the end of each phase and at SIGTERM."""
    steps: int | None = None
    """Steps between two checkpoints, instead of the time."""
    keep: int = 2
    """How many stay."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What to do when the loss is no number or leaps."""

    spike: float = 6.0
    """A leap is a loss above the running mean by so many running deviations."""
    memory: int = 50
    """Steps over which mean and deviation run."""
    on_spike: Literal["log", "skip"] = "log"
    """A step whose loss or gradient is not finite is always skipped."""
    patience: int = 3
    """Skipped steps in a row after which the run stops."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of it."""

    output: Path
    """The folder of this run."""
    model: Model
    data: Data
    profile: Literal["emergent", "persona", "companion"] = "emergent"
    seed: int = 17
    curriculum: Curriculum = field(default_factory=Curriculum)
    adapters: Adapters = field(default_factory=Adapters)
    train: Train = field(default_factory=Train)
    evaluate: Evaluate = field(default_factory=Evaluate)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    guard: Guard = field(default_factory=Guard)
    tensorboard: bool = True


def load(path: Path, overrides: list[str]) -> Settings:
    """Reads and checks a configuration.

    Args:
        path: The YAML file.
        overrides: `section.key=value` pairs, which win over the file.

    Raises:
        SettingError: A setting is unknown, of the wrong kind or out of bounds.
    """
    settings = read_settings(Settings, path, overrides)
    check(settings)
    return settings


def check(settings: Settings) -> None:
    """Bounds, and keys that contradict each other."""
    train, lora, data = settings.train, settings.adapters.lora, settings.data
    positive = {
        "adapters.lora.r": lora.r,
        "adapters.lora.alpha": lora.alpha,
        "data.length": data.length,
        "data.rows": data.rows,
        "train.batch.size": train.batch.size,
        "train.batch.accumulate": train.batch.accumulate,
        "train.lr_scale": train.lr_scale,
        "train.max_grad_norm": train.max_grad_norm,
        "checkpoint.keep": settings.checkpoint.keep,
        "checkpoint.minutes": settings.checkpoint.minutes,
        "guard.patience": settings.guard.patience,
        "guard.spike": settings.guard.spike,
        "evaluate.packs": settings.evaluate.packs,
        "curriculum.max_epochs_per_record": settings.curriculum.max_epochs_per_record,
    }
    for name, value in positive.items():
        if not value > 0:
            raise SettingError(name, f"must be above 0, got {value}")
    shares = {
        "adapters.lora.dropout": lora.dropout,
        "train.warmup_ratio": train.warmup_ratio,
        "train.final_ratio": train.final_ratio,
        "curriculum.replay": settings.curriculum.replay,
    }
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise SettingError(name, f"must be at least 0 and below 1, got {value}")
    if not 0 <= data.validation <= 0.5:
        raise SettingError("data.validation", f"must be between 0 and 0.5, got {data.validation}")
    names = [phase.name for phase in settings.curriculum.phases]
    if not names or len(set(names)) < len(names):
        raise SettingError("curriculum.phases", f"needs phases with different names, got {names}")
    for number, phase in enumerate(settings.curriculum.phases):
        if not phase.lr > 0:
            raise SettingError(f"curriculum.phases[{number}].lr", f"must be above 0, got {phase.lr}")
    if settings.adapters.mode == "grouped" and not settings.adapters.groups:
        raise SettingError("adapters.groups", "is empty, and `adapters.mode` is `grouped`")
    if settings.model.gradient_checkpointing and settings.model.use_cache:
        raise SettingError("model.use_cache", "cannot be true with `model.gradient_checkpointing`")
