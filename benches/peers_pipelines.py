"""Near deduplication by datatrove, data-juicer and dolma beside ours, on documents that all of them finish.

python benches/peers_pipelines.py [--records 10000] [--keep FOLDER] [datatrove | data-juicer | dolma ...]

Each system gets an environment of its own (`uv` makes it, about 2 GB in all, removed at the end unless --keep names where it
stays), its documented settings, and two processes. dolma has no near deduplication: its Bloom filter finds equal texts.
Documents are the conversations of `data.py` as one text each; a line a system says how long it took and how many it kept.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import data
from measure import Measure, corpuskit, machine, measure

VERSIONS = {
    "datatrove": ["datatrove[io,processing]==0.10.1", "spacy", "xxhash<4"],  # with xxhash 4 every signature fails
    "data-juicer": ["py-data-juicer==1.6.1", "aiohttp", "ray"],
    "dolma": ["dolma==1.2.1"],
}

DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter

def main(source, work):
    config = MinhashConfig()
    read = lambda: JsonlReader(source)
    for tasks, steps in (
        (2, [read(), MinhashDedupSignature(work + "/signatures", config=config)]),
        (config.num_buckets, [MinhashDedupBuckets(work + "/signatures", work + "/buckets", config=config)]),
        (1, [MinhashDedupCluster(work + "/buckets", work + "/remove", config=config)]),
        (2, [read(), MinhashDedupFilter(work + "/remove"), JsonlWriter(work + "/kept", compression=None)]),
    ):
        LocalPipelineExecutor(steps, tasks=tasks, workers=2, skip_completed=False).run()

if __name__ == "__main__":
    main(*sys.argv[1:])
"""

JUICER = """
dataset_path: {source}/documents.jsonl
export_path: {work}/kept/kept.jsonl
np: 2
open_tracer: false
process:
  - document_minhash_deduplicator: {{tokenization: space, window_size: 5, lowercase: true, jaccard_threshold: 0.7}}
"""


def documents(folder: Path, records: int) -> None:
    """The same documents in two halves (datatrove and dolma share files out) and in one."""
    data.write_corpus(folder / "corpus.jsonl", records)
    lines = []
    with (folder / "corpus.jsonl").open(encoding="utf-8") as corpus:
        for number, line in enumerate(corpus):
            turns = json.loads(line)["messages"]
            text = "\n".join(turn["content"] for turn in turns if turn["content"])
            lines.append(json.dumps({"id": str(number), "text": text, "source": "bench"}, ensure_ascii=False) + "\n")
    for place in ("halves", "whole", "dolma/documents"):
        (folder / place).mkdir(parents=True)
    (folder / "whole/documents.jsonl").write_text("".join(lines), "utf-8")
    for half in (0, 1):
        part = "".join(lines[half * len(lines) // 2 : (half + 1) * len(lines) // 2])
        (folder / f"halves/{half}.jsonl").write_text(part, "utf-8")
        with gzip.open(folder / f"dolma/documents/{half}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write(part)


def datatrove(folder: Path, bin_folder: Path) -> Measure:
    """Its four stages at its defaults."""
    (folder / "stages.py").write_text(DATATROVE, "utf-8")
    return measure([bin_folder / "python", folder / "stages.py", folder / "halves", folder / "work"])


def data_juicer(folder: Path, bin_folder: Path) -> Measure:
    """Its MinHash deduplicator at its defaults."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(JUICER.format(source=folder / "whole", work=folder / "work"), "utf-8")
    return measure([bin_folder / "dj-process", "--config", recipe])


def dolma(folder: Path, bin_folder: Path) -> Measure:
    """Its Bloom filter over whole texts; what it marks stands in attributes."""
    options = {
        "--documents": folder / "dolma/documents/*.jsonl.gz",
        "--dedupe.name": "equal",
        "--dedupe.documents.attribute_name": "duplicate",
        "--dedupe.documents.key": "$.text",
        "--bloom_filter.file": folder / "work/bloom",
        "--bloom_filter.size_in_bytes": 64 << 20,
        "--bloom_filter.estimated_doc_count": 1_000_000,
        "--bloom_filter.desired_false_positive_rate": 0.0001,
        "--processes": 2,
    }
    words = [str(word) for option in options.items() for word in option]
    return measure([bin_folder / "dolma", "dedupe", "--no-bloom_filter.read_only", *words])


RUNS: dict[str, Callable[[Path, Path], Measure]] = {
    "datatrove": datatrove,
    "data-juicer": data_juicer,
    "dolma": dolma,
}


def kept(folder: Path, system: str) -> int:
    """How many documents a system left."""
    if system != "dolma":
        return sum(path.read_bytes().count(b"\n") for path in (folder / "work/kept").rglob("*.jsonl"))
    left = 0
    for path in (folder / "dolma/attributes").rglob("*.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            left += sum(not json.loads(line)["attributes"].get("duplicate") for line in lines)
    return left


def ours(folder: Path) -> tuple[Measure, int]:
    """The same documents through corpuskit: exact and near duplicates at its defaults, two threads, no labels."""
    plan = folder / "plan.yaml"
    plan.write_text("tag: {packs: [], language: false}\n", "utf-8")
    words = ("process", folder / "whole", "-o", folder / "out", "--plan", plan, "--threads", "2", "--quiet", "--force")
    taken = measure(corpuskit(*words))
    return taken, json.loads((folder / "out/report.json").read_text("utf-8"))["records"]["kept"]


def environment(folder: Path, system: str) -> Path:
    """The programs of a system, installed where they are not yet."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        sys.exit("`uv` is not installed (`pip install uv`)")
    if not (folder / system).exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder / system)], check=True)
    python = folder / system / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *VERSIONS[system]], check=True)
    return python.parent


@contextlib.contextmanager
def place(keep: Path | None) -> Iterator[Path]:
    """Where environments stand."""
    if keep is None:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
    else:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep


def main() -> int:
    """Runs the systems one after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("systems", nargs="*", choices=[[], *RUNS], metavar="SYSTEM", help=", ".join(RUNS))
    parser.add_argument("--records", type=int, default=10_000, help="documents")
    parser.add_argument(
        "--keep", type=lambda name: Path(name).resolve(), help="folder of the environments, which stay there"
    )
    chosen = parser.parse_args()
    # No system may fetch anything while it runs: data-juicer installs PyTorch for a MinHash otherwise.
    os.environ |= {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    with place(chosen.keep) as environments, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        documents(folder, chosen.records)
        os.chdir(folder)  # they write logs where they stand
        count = (folder / "whole/documents.jsonl").read_bytes().count(b"\n")
        mine, left = min((ours(folder) for _ in range(3)), key=lambda run: run[0].wall)
        print(f"{machine()}; {count:,} documents")
        print(f"corpuskit: {mine.wall:.2f} s, {count / mine.wall:,.0f} documents/s, keeps {left:,}", flush=True)
        for system in chosen.systems or RUNS:
            os.environ.pop("UV_OFFLINE")
            programs = environment(environments, system)
            os.environ["UV_OFFLINE"] = "1"
            (folder / "work").mkdir()
            taken = RUNS[system](folder, programs)
            print(
                f"{system}: {taken.wall:.1f} s, {count / taken.wall:,.0f} documents/s, keeps {kept(folder, system):,}; "
                f"corpuskit is {taken.wall / mine.wall:.0f} times as fast",
                flush=True,
            )
            shutil.rmtree(folder / "work")
    return 0


if __name__ == "__main__":
    sys.exit(main())
