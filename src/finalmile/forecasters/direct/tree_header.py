"""What stands before the trees of a LightGBM text: counts and lengths that LightGBM believes without looking."""

from __future__ import annotations

from collections.abc import Mapping

from finalmile.errors import CorruptError

_MEND = "train or register the version again"
_MOST_CLASSES = 1000


def check_header(text: str, /) -> None:
    """Raise where the head of a model text does not describe the trees that follow it.

    Classes, trees a round, features and their names must agree, and every tree must be as many bytes long as
    ``tree_sizes`` says: LightGBM jumps from tree to tree by these lengths.

    Raises
    ------
    CorruptError
        Names what is wrong.
    """
    start = text.find("\nTree=0\n")
    end = text.find("\nend of trees\n")
    if start < 0 or end < start:
        raise CorruptError(f"the model text does not hold its trees whole; {_MEND}")
    fields = dict(line.split("=", 1) for line in text[:start].splitlines() if "=" in line)
    fault = _fault(fields, _sizes(text[start + 1 : end]))
    if fault:
        raise CorruptError(f"the head of the model text {fault}; {_MEND}")


def _sizes(trees: str) -> list[int]:
    """Bytes of each tree, its ``Tree=`` line included."""
    parts = trees.split("\nTree=")
    lengths = [len(part.encode()) + 1 for part in parts]
    return [length + (len("Tree=") if at else 0) for at, length in enumerate(lengths)]


def _fault(fields: Mapping[str, str], sizes: list[int]) -> str | None:
    try:
        classes, a_round = int(fields["num_class"]), int(fields["num_tree_per_iteration"])
        features = int(fields["max_feature_idx"]) + 1
        named, described = len(fields["feature_names"].split()), len(fields["feature_infos"].split())
        told = [int(size) for size in fields["tree_sizes"].split()]
    except (KeyError, ValueError) as fault:
        return f"cannot be read ({fault!r})"
    if not 1 <= classes <= _MOST_CLASSES or classes != a_round or len(sizes) % a_round:
        return f"says {classes} classes and {a_round} trees a round, which do not fit {len(sizes)} trees"
    if features < 1 or named != features or described != features:
        return f"says {features} features, names {named} and describes {described}"
    return None if told == sizes else "tells other lengths of its trees than they have"
