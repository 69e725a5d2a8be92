"""A registered model from its artefact, ready to answer: what runs in the model's own process."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finalmile.errors import ConfigError, CorruptError, SchemaError
from finalmile.forecasters.loaders.contract import PanelModel, RowModel, Rows, function_at
from finalmile.forecasters.loaders.kept import CODE, FILES, Kept

if TYPE_CHECKING:
    import polars as pl


def opened(folder: Path, /) -> RowModel | PanelModel | FromFeatures:
    """Load what was registered.

    Raises
    ------
    ConfigError
        It would unpickle, and nobody said that it is trusted.
    CorruptError
        Files, or code outside the artefact, are not what they were.
    """
    kept = Kept.read(folder)
    loader = kept.made()
    if loader.unpickles and not kept.trust:
        raise ConfigError(
            f"loader {kept.loader}",
            ["loading it runs whatever code its files hold; register it with --trust if you trust where it is from"],
        )
    if (folder / CODE).is_dir():
        sys.path.insert(0, str(folder / CODE))
    for module, digest in kept.code.items():
        if source_digest(module) != digest:
            raise CorruptError(f"the code of {module!r} is not what it was when it was registered; register it again")
    model = loader.load(folder / FILES, kept.outputs)
    if kept.made_by is None or kept.takes == "sales":
        return model
    return FromFeatures(model=model, made_by=kept.made_by, signature=kept.signature)  # type: ignore[arg-type]  # it takes rows


def source_digest(module: str, /) -> str | None:
    """Digest of the source of a module's top package or file; ``None`` where there is no source."""
    try:
        found = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        return None
    origin = Path(found.origin)
    sources = sorted(origin.parent.rglob("*.py")) if found.submodule_search_locations else [origin]
    hasher = hashlib.sha256()
    for source in sources:
        hasher.update(source.relative_to(origin.parent).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    return hasher.hexdigest()


@dataclass(frozen=True, kw_only=True)
class FromFeatures:
    """A model of rows with the function that makes its features from sales: so it also answers whole series."""

    model: RowModel
    made_by: str
    signature: Mapping[str, Any]

    def rows(self, features: Rows, /) -> Rows:
        """What the model says of rows."""
        return self.model.rows(features)

    def features(self, sales: pl.DataFrame, /, *, horizon: int, frequency: str) -> pl.DataFrame:
        """``unique_id, ds`` and the declared features in order, as float64, for every period ahead.

        Raises
        ------
        SchemaError
            The function left a column out, or gives a value that is not declared.
        """
        del frequency
        import polars as pl

        made = function_at(self.made_by)(sales, horizon)
        if not isinstance(made, pl.DataFrame):
            raise SchemaError(self.made_by, [f"gives {type(made).__name__}; it must give a polars frame"])
        declared: Sequence[Mapping[str, Any]] = self.signature["features"]
        missing = [name for name in ("unique_id", "ds", *(one["name"] for one in declared)) if name not in made.columns]
        if missing:
            raise SchemaError(self.made_by, [f"gives no column {', '.join(missing)}; it has {', '.join(made.columns)}"])
        numbers = [_numbers(made[one["name"]], one) for one in declared]
        return made.select("unique_id", "ds").with_columns(numbers)

    def sales(self, sales: pl.DataFrame, /, *, horizon: int, frequency: str) -> pl.DataFrame:
        """What the model says of every period ahead: ``unique_id, ds`` and its outputs."""
        made = self.features(sales, horizon=horizon, frequency=frequency)
        names = [one["name"] for one in self.signature["features"]]
        answers = self.rows(np.ascontiguousarray(made.select(names).to_numpy(), dtype=np.float64))
        outputs: Sequence[str] = self.signature["outputs"]
        if answers.shape != (len(made), len(outputs)):
            raise ValueError(f"the model answered with shape {answers.shape}, not {(len(made), len(outputs))}")
        import polars as pl

        told = [pl.Series(name, answers[:, at]) for at, name in enumerate(outputs)]
        return made.select("unique_id", "ds").with_columns(told)

    def close(self) -> None:
        """Let go of the model."""
        self.model.close()


def _numbers(values: pl.Series, declared: Mapping[str, Any]) -> pl.Series:
    """A feature as the model takes it: categories as their places, what is missing by its default or as NaN."""
    import polars as pl

    name, default = declared["name"], declared.get("default")
    categories: Sequence[str] = declared.get("categories") or ()
    if categories:
        text = values.cast(pl.String).fill_null(default) if default is not None else values.cast(pl.String)
        strange = set(text.drop_nulls().unique().to_list()) - set(categories)
        if strange or text.null_count():
            what = repr(min(strange)) if strange else "nothing in some rows"
            raise SchemaError(name, [f"is {what}; it must be one of {', '.join(categories[:8])}"])
        return text.replace_strict(list(categories), [float(at) for at in range(len(categories))]).alias(name)
    filled = np.nan if default in (None, "nan") else float(default)
    return values.cast(pl.Float64).fill_null(filled).alias(name)
