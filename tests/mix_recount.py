"""Counts a selection again, from the columns of the run and the words of docs/mix.md; shares no code with corpuskit."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet

Row = dict[str, Any]


def largest_remainder(total: int, shares: list[int]) -> list[int]:
    """Parts in proportion to shares: rounded down, then the largest remainders get one more, the first of equal ones first."""
    whole = sum(shares)
    if whole == 0:
        return [0] * len(shares)
    exact = [Fraction(total * share, whole) for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(shares)), key=lambda at: (int(exact[at]) - exact[at], at))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts


def rows_of_run(run: Path, unit: str, tokens: dict[tuple[int, int], int] | None = None) -> dict[tuple[int, int], Row]:
    """Every kept record by its place: origin, parent, category, amount, root of its family."""
    rows: dict[tuple[int, int], Row] = {}
    for shard, path in enumerate(sorted((run / "columns").glob("part-*.parquet"))):
        names = ["origin", "parent", "category", "characters"]
        for number, row in enumerate(pyarrow.parquet.read_table(path, columns=names).to_pylist()):
            place = (shard, number)
            estimate = -(-row["characters"] // 4)
            row["amount"] = 1 if unit == "examples" else estimate if tokens is None else tokens[place]
            rows[place] = row
    parents: dict[str, str] = {}
    for row in rows.values():
        if row["parent"] is not None:
            parents.setdefault(row["origin"], row["parent"])
    for row in rows.values():
        chain = [row["origin"]]
        while (parent := parents.get(chain[-1])) is not None and parent not in chain:
            chain.append(parent)
        # of a ring, the same member for all
        row["root"] = min(chain[chain.index(parent) :]) if parent in chain[:-1] else chain[-1]
    return rows


def read_table(selection: Path) -> tuple[list[tuple[str, list[tuple[int, int]]]], list[tuple[int, int]]]:
    """The phases in order with their places, and the places of the validation split; positions checked."""
    phases: list[tuple[str, list[tuple[int, int]]]] = []
    held_out = []
    following: Counter[str] = Counter()
    for row in pyarrow.parquet.read_table(selection / "selection.parquet").to_pylist():
        assert row["position"] == following[row["split"]]
        following[row["split"]] += 1
        place = (row["shard"], row["row"])
        if row["split"] == "validation":
            assert row["phase"] is None
            held_out.append(place)
            continue
        assert row["split"] == "train"
        if not phases or phases[-1][0] != row["phase"]:
            phases.append((row["phase"], []))
        phases[-1][1].append(place)
    assert len({name for name, _ in phases}) == len(phases)
    return phases, held_out


def recount(run: Path, selection: Path, tokens: dict[tuple[int, int], int] | None = None) -> dict[str, Any]:
    """Checks a selection against what its plan asks; returns what was counted.

    Args:
        run: The run folder.
        selection: The selection's folder.
        tokens: Trained tokens by place, where the selection was made with them.
    """
    account = json.loads((selection / "selection.json").read_text("utf-8"))
    plan, curriculum = account["plan"]["mix"], account["plan"]["curriculum"]
    rows = rows_of_run(run, plan["unit"], tokens)
    phases, held_out = read_table(selection)
    assert account["records"] == len(rows)
    assert account["amount"] == sum(row["amount"] for row in rows.values())

    # the split
    assert len(set(held_out)) == len(held_out)
    members = defaultdict(set)
    for place, row in rows.items():
        members[row["root"]].add(place)
    held = set(held_out)
    crossing = [root for root, family in members.items() if family & held and family - held]
    assert not crossing, f"families that cross the split: {crossing[:3]}"
    millionths = round(plan["split"]["validation"] * 1_000_000)
    asked = largest_remainder(account["amount"], [1_000_000 - millionths, millionths])[1]
    achieved = sum(rows[place]["amount"] for place in held_out)
    smallest = min((sum(rows[place]["amount"] for place in family) for family in members.values()), default=0)
    assert account["validation"]["asked"] == asked
    assert account["validation"]["achieved"] == achieved <= asked
    assert plan["unit"] != "examples" or smallest > 1 or achieved == asked or len(held) == len(rows)

    # the phases
    training = [place for place in rows if place not in held]
    settings = curriculum["phases"] or [{"name": "all", "include": "all", "lr": 2e-5}]
    named = {category for phase in settings if phase["include"] != "all" for category in phase["include"]}
    order = [phase["name"] for phase in settings]
    first = order.index(curriculum["unlisted"]) if curriculum["unlisted"] in order else None

    def wants(number: int, category: str | None) -> bool:
        unlisted = category is None or category not in named
        if settings[number]["include"] == "all":
            return not unlisted or first is None or number >= first
        return category in settings[number]["include"] or (unlisted and number == first)

    cap = plan["max_epochs_per_record"]
    seen: Counter[tuple[int, int]] = Counter()
    planned = {
        place: min(cap, sum(wants(n, rows[place]["category"]) for n in range(len(settings)))) for place in training
    }
    given = dict(phases)
    assert list(given) == [name for name in order if name in given]
    counted: dict[str, Any] = {"validation": (len(held_out), achieved), "replay": {}, "phases": {}}
    for number, phase in enumerate(settings):
        places = given.get(phase["name"], [])
        assert len(set(places)) == len(places), "nothing stands twice in a phase"
        own = {place for place in training if wants(number, rows[place]["category"]) and seen[place] < cap}
        assert own <= set(places)
        replayed = [place for place in places if place not in own]
        amount = sum(rows[place]["amount"] for place in own)
        said = account["phases"][number]
        assert (said["name"], said["records"]) == (phase["name"], len(places))
        assert said["account"]["own"] == amount
        share = curriculum["replay"] if phase["include"] != "all" and number > 0 else 0
        wanted = int(amount * share / (1 - share) + 0.5)
        assert said["account"]["replay_asked"] == wanted
        got = sum(rows[place]["amount"] for place in replayed)
        assert said["account"]["replay_achieved"] == got <= wanted
        if share:
            pool = {
                place
                for place in training
                if seen[place] and not wants(number, rows[place]["category"]) and planned[place] < cap
            }
            assert set(replayed) <= pool
            names = sorted({row["category"] for row in rows.values() if row["category"] is not None})
            had = [sum(rows[p]["amount"] for p in pool if rows[p]["category"] == name) for name in [*names, None]]
            quotas = largest_remainder(min(wanted, sum(had)), had)
            for name, quota in zip([*names, None], quotas, strict=True):
                taken = sum(rows[p]["amount"] for p in replayed if rows[p]["category"] == name)
                assert taken == quota if plan["unit"] == "examples" else taken <= quota, (phase["name"], name)
            counted["replay"][phase["name"]] = (wanted, got)
            for place in replayed:
                planned[place] += 1
        for place in places:
            seen[place] += 1
        counted["phases"][phase["name"]] = (len(places), sum(rows[place]["amount"] for place in places))
        assert said["amount"] == counted["phases"][phase["name"]][1]
    assert max(seen.values(), default=0) <= cap
    assert account["unselected"] == sum(place not in seen for place in training)
    assert account["rows"] == sum(len(places) for _, places in phases) + len(held_out)
    return counted
