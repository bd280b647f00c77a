"""Real conversations for what renders and tokenises: a run folder over the unpacked corpora, nothing deduplicated."""

from __future__ import annotations

from pathlib import Path

from support import RunFolder, corpuskit

TALKS = (
    "ProfSynapse__Toolset-Training", "LAION-AI__Open-Assistant", "LianjiaTech__BELLE", "hiyouga__LLaMA-Factory",
    "lm-sys__FastChat", "qiuhuachuan__smile", "ShishirPatil__gorilla", "teknium1__GPTeacher", "SmartFlowAI__EmoLLM",
)  # fmt: skip
"""Corpora with tools, system turns, many turns, code, and several scripts."""

PLAN = "version: 1\ndedup: {exact: false, near: false}\nwrite: {compression: none}\n"


def run_folder(corpora: Path, out: Path, names: tuple[str, ...] = ()) -> RunFolder:
    """Runs `corpuskit process` over some corpora, or over all."""
    return run_folder_of(*([corpora / "raw" / name for name in names] or [corpora / "raw"]), out=out)


def run_folder_of(*inputs: Path, out: Path) -> RunFolder:
    """Runs `corpuskit process` over some files."""
    plan = out.with_suffix(".yaml")
    plan.write_text(PLAN, "utf-8")
    done = corpuskit("process", *inputs, "-o", out, "--plan", plan, "--quiet")
    assert done.returncode == 0, done.stderr
    return RunFolder(out)


def templates(corpora: Path) -> dict[str, tuple[Path, str | None]]:
    """Chat templates by name: the tokenizer's folder, and the template in place of its own."""
    minimind = corpora / "tokenizers" / "minimind"
    phi = corpora / "tokenizers" / "onnxruntime-extensions" / "phi-3-mini"
    found: dict[str, tuple[Path, str | None]] = {"minimind": (minimind, None)}
    for name in ("qwen2_5", "qwen2_5_training", "qwen3_training", "llama3_training", "gemma_training"):
        found[name] = (minimind, template(corpora, name))
    return found | {name: (phi, template(corpora, name)) for name in ("phi3", "phi3_training")}


def template(corpora: Path, name: str) -> str:
    return (corpora / "tokenizers" / "trl-chat-templates" / f"{name}.jinja").read_text("utf-8")
