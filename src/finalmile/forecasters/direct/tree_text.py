"""LightGBM reads its text without checking it: one wrong integer crashes or hangs the process. Checked here first."""

from __future__ import annotations

import math
import re

from finalmile.errors import CorruptError
from finalmile.forecasters.direct.tree_header import check_header


def check_trees(text: str) -> None:
    """Raise where the structure of a LightGBM model text is not sound.

    Every tree must have as many splits as leaves less one, arrays of that length, features that exist, and
    children that form one tree: each split but the root and each leaf is reached exactly once. The head must
    describe these trees.

    Raises
    ------
    CorruptError
        Names the tree and what is wrong with it.
    """
    head, *trees = text.split("\nTree=")
    features = _count(head, "max_feature_idx") + 1
    for at, tree in enumerate(trees):
        body = tree.split("\nend of trees")[0]
        fault = _fault(_fields(body), features=features)
        if fault:
            raise CorruptError(f"tree {at} of the model text {fault}; train or register the version again")
    if not trees and "end of trees" not in text:
        raise CorruptError("the model text holds no trees; train or register the version again")
    check_header(text)


def _fields(body: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in body.splitlines() if "=" in line)


def _count(head: str, name: str) -> int:
    value = _fields(head).get(name, "")
    if not value.isdigit():
        raise CorruptError(f"the model text has no number called {name}; train or register the version again")
    return int(value)


def _fault(tree: dict[str, str], *, features: int) -> str | None:
    garbled = next((name for name, values in tree.items() if not _NUMBERS.fullmatch(values)), None)
    if garbled is not None:
        return f"has something in {garbled} that is no number"
    try:
        leaves = int(tree["num_leaves"])
        if leaves == 1:
            return _alone(tree["leaf_value"].split())
        numbers = {name: _integers(tree[name]) for name in _PER_SPLIT}
        values = tree["leaf_value"].split()
        floats = [float(value) for value in (*values, *tree["threshold"].split())]
        categories = int(tree.get("num_cat", "0"))
        bounds = _integers(tree["cat_boundaries"]) if categories else [0]
        words = _integers(tree["cat_threshold"]) if categories else []
    except (KeyError, ValueError) as fault:
        return f"cannot be read ({fault!r})"
    if leaves < 1 or any(len(array) != leaves - 1 for array in numbers.values()) or len(values) != leaves:
        return f"says {leaves} leaves and its arrays have other lengths"
    if len(floats) != 2 * leaves - 1 or any(map(math.isnan, floats)) or any(map(math.isinf, floats[:leaves])):
        return "has a threshold or leaf value that is missing or not a number"
    if any(not 0 <= feature < features for feature in numbers["split_feature"]):
        return f"splits on a feature outside 0..{features - 1}"
    if bounds != sorted(bounds) or bounds[0] != 0 or len(bounds) != categories + 1 or bounds[-1] != len(words):
        return "has category sets that overlap or end elsewhere"
    if _bad_category(numbers["decision_type"], tree["threshold"].split(), categories):
        return "splits on a category set that is not there"
    return None if _is_tree(numbers["left_child"], numbers["right_child"], leaves) else "has children that form no tree"


def _alone(values: list[str]) -> str | None:
    if len(values) != 1:
        return "has one leaf and several values"
    return None if math.isfinite(float(values[0])) else "has a leaf value that is not a number"


_NUMBERS = re.compile(r"(?:-?(?:\d++(?:\.\d*+)?(?:e[-+]?\d++)?|inf|nan) ?)*+")
_PER_SPLIT = ("split_feature", "left_child", "right_child", "decision_type")


def _integers(text: str) -> list[int]:
    return [int(value) for value in text.split()]


def _bad_category(decisions: list[int], thresholds: list[str], categories: int) -> bool:
    sets = [float(at) for decision, at in zip(decisions, thresholds, strict=True) if decision & 1]
    return any(at != int(at) or not 0 <= at < categories for at in sets) or any(d < 0 or d > 15 for d in decisions)


def _is_tree(left: list[int], right: list[int], leaves: int) -> bool:
    children = sorted([*left, *right])
    if children != [*range(-leaves, 0), *range(1, leaves - 1)]:
        return False
    seen, to_visit = 0, [0]
    while to_visit:
        split = to_visit.pop()
        seen += 1
        to_visit += [child for child in (left[split], right[split]) if child >= 0]
    return seen == leaves - 1
