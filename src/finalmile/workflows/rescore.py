"""Re-score: another version answers what was logged, off the path of requests, so both are known on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from finalmile.errors import CorruptError, ModelFaultError
from finalmile.ports import Artefacts, Lake, Ledger
from finalmile.predictions.record import ANSWERED, scored_again_id
from finalmile.records import Json, Version
from finalmile.serving.signature import Feature, Signature
from finalmile.workflows.endpoint import last_good
from finalmile.workflows.seal import PREDICTIONS, last_seal

Rows = NDArray[np.float64]
SHADOW, PREVIOUS = "shadow", "previous"
_CHUNK = 4096
_STRIKES = 3


class Answering(Protocol):
    """A version in a process of its own."""

    def rows(self, features: Rows, /, *, outputs: int) -> Rows:
        """Answers of shape (m, outputs); ``ModelFaultError`` where it has none."""
        ...

    def close(self) -> None:
        """End it."""
        ...


Start = Callable[[Version], Answering]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescored:
    """What one version said of logged rows.

    Parameters
    ----------
    rows
        Answered or refused anew, and kept.
    faults
        Of them, rows that the version could not answer; they say why in ``outcome``.
    skipped
        Rows whose logged features lack one that the version needs.
    """

    version: str
    role: str
    rows: int = 0
    faults: int = 0
    skipped: int = 0
    breached: bool = False

    def lines(self) -> list[str]:
        """What was scored."""
        odd = [f"{self.faults:,} could not be answered"] if self.faults else []
        odd += [f"{self.skipped:,} lack a feature it needs"] if self.skipped else []
        more = f" ({'; '.join(odd)})" if odd else ""
        return [f"{self.version} scored {self.rows:,} logged rows again as {self.role}{more}."]

    def to_dict(self) -> Json:
        """Counts."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Answers that wait to be kept: of the rows sealed after ``position`` up to ``upto``."""

    writer: str
    position: int
    upto: int
    frame: pl.DataFrame
    told: Rescored


def due(ledger: Ledger, model: str) -> list[tuple[int, str]]:
    """Versions of a model that are to score the log again, each with its role: the shadow, and the last good one."""
    deployed = ledger.deployment(model)
    if deployed is None:
        return []
    shadow, stable = ledger.route(model).shadow, last_good(deployed, ledger.versions(model))
    wanted = [(shadow, SHADOW), (stable, PREVIOUS)]
    return [(number, role) for number, role in wanted if number is not None and number != deployed.live]


def score(
    version: Version, role: str, *, lake: Lake, ledger: Ledger, artefacts: Artefacts, start: Start, rows: int = 200_000
) -> Scored | None:
    """Let a version answer the logged rows it has not yet seen; ``None`` where there are none.

    Only rows whose features were logged, and that another version answered, are scored. Nothing is kept yet, so no
    lock is needed; killed here, nothing has happened.

    Parameters
    ----------
    start
        Starts the version's process.
    rows
        About as many rows at a time.
    """
    signature = signature_of(version, artefacts)
    writer = f"rescore/{version}/{role}"
    position = max(lake.sequence(PREDICTIONS, writer), 0)
    logged = _logged(lake, version, after=position, rows=rows, last=last_seal(ledger))
    if signature is None or logged is None or logged.is_empty():
        return None
    upto = int(logged["seal"].max())  # type: ignore[arg-type]  # whole numbers
    parts = [
        _aligned(part, ledger.version(version.model, int(number)), signature, artefacts)
        for (number,), part in logged.group_by("version", maintain_order=True)
    ]
    told = pl.concat([part for part, _ in parts])
    features = np.concatenate([wide for _, wide in parts])
    answers, outcomes = _answers(features, version, start, outputs=len(signature.outputs))
    return Scored(
        writer=writer,
        position=position,
        upto=upto,
        frame=_frame(told, answers, outcomes, version=version, role=role, outputs=signature.outputs),
        told=Rescored(
            version=str(version),
            role=role,
            rows=told.height,
            faults=sum(outcome != "ok" for outcome in outcomes),
            skipped=logged.height - told.height,
        ),
    )


def keep(scored: Scored, lake: Lake) -> Rescored:
    """Put the answers beside the logged ones, once; call it holding the project lock.

    The position is that of the newest segment of this version and role: rows and position move together, or not at
    all. Where somebody else scored the same rows meanwhile, nothing is kept.
    """
    fresh = max(lake.sequence(PREDICTIONS, scored.writer), 0) == scored.position
    if not (fresh and lake.append(PREDICTIONS, scored.frame, writer=scored.writer, sequence=scored.upto)):
        return replace(scored.told, rows=0, faults=0, skipped=0)
    return scored.told


def signature_of(version: Version, artefacts: Artefacts) -> Signature | None:
    """What a version takes and gives; ``None`` for one that does not answer rows of features."""
    path = artefacts.path(version.digest) / "serving.json"
    try:
        told: Mapping[str, object] = orjson.loads(path.read_bytes())["signature"]
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise CorruptError(f"{path} cannot be read: {error}. Register the model again.") from error
    return Signature.from_json(told) if told.get("features") else None


def _logged(lake: Lake, version: Version, *, after: int, rows: int, last: int) -> pl.DataFrame | None:
    """The next logged rows with features that another version answered, whole seals at a time."""
    sealed = lake.scan(PREDICTIONS)
    if not sealed.collect_schema():
        return None
    mine = sealed.filter(
        pl.col("seal").is_between(after + 1, last),
        pl.col("model") == version.model,
        pl.col("version") != version.number,
        pl.col("role").is_in(ANSWERED),
        pl.col("features").is_not_null(),
    )
    counts = mine.group_by("seal").len().sort("seal").collect()
    inside = counts.filter(pl.col("len").cum_sum().shift(1, fill_value=0) < rows)
    return None if inside.is_empty() else mine.filter(pl.col("seal") <= inside["seal"][-1]).collect()


def _aligned(logged: pl.DataFrame, by: Version, wanted: Signature, artefacts: Artefacts) -> tuple[pl.DataFrame, Rows]:
    """Rows of one answering version, their features in the order and the codes that another one wants."""
    given = signature_of(by, artefacts)
    none = np.empty((0, len(wanted.features)))
    if given is None:
        return logged.clear(), none
    sound = logged.filter(pl.col("features").list.len() == len(given.features))
    wide = _matrix(sound["features"], len(given.features))
    places = {feature.name: at for at, feature in enumerate(given.features)}
    columns: list[Rows] = []
    for feature in wanted.features:
        at = places.get(feature.name)
        if at is None and feature.default is None:
            return logged.clear(), none
        columns.append(
            _default(feature, sound.height) if at is None else _coded(wide[:, at], given.features[at], feature)
        )
    return sound, np.ascontiguousarray(np.stack(columns, axis=1))


def _matrix(lists: pl.Series, width: int) -> Rows:
    flat = lists.explode(empty_as_null=False).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return flat.reshape(-1, width)


def _default(feature: Feature, n: int) -> Rows:
    told = feature.default
    value = (
        float(feature.categories.index(told)) if isinstance(told, str) else float(told if told is not None else "nan")
    )
    return np.full(n, value)


def _coded(values: Rows, given: Feature, wanted: Feature) -> Rows:
    """Places in one list of categories as places in another; what the other lacks is missing."""
    if given.categories == wanted.categories:
        return values
    places = {name: float(at) for at, name in enumerate(wanted.categories)}
    by_place = {float(at): places.get(name, np.nan) for at, name in enumerate(given.categories)}
    return np.array([by_place.get(value, np.nan) for value in values.tolist()])


def _answers(features: Rows, version: Version, start: Start, *, outputs: int) -> tuple[Rows, list[str]]:
    """Answers and outcomes, row by row; a version that keeps failing is not started again and again."""
    answers, outcomes = np.full((len(features), outputs), np.nan), ["ok"] * len(features)
    model: Answering | None = None
    strikes, why = 0, ""
    for at in range(0, len(features), _CHUNK):
        part = features[at : at + _CHUNK]
        try:
            if strikes < _STRIKES:
                model = model or start(version)
                answers[at : at + len(part)] = model.rows(part, outputs=outputs)
                continue
        except ModelFaultError as fault:
            strikes, why = strikes + 1, str(fault)
            if model is not None:
                model.close()
                model = None
        outcomes[at : at + len(part)] = [f"error: {why}"] * len(part)
    if model is not None:
        model.close()
    return answers, outcomes


def _frame(
    logged: pl.DataFrame, answers: Rows, outcomes: Sequence[str], *, version: Version, role: str, outputs: Sequence[str]
) -> pl.DataFrame:
    """Rows as the log keeps them: those answered again name the one they come from, and carry its time of issue."""
    parents = logged["prediction_id"].to_list()
    kept = ("step", "request_id", "endpoint", "model", "unique_id", "cutoff", "ds", "given", "issued_at")
    return logged.select(kept).with_columns(
        pl.Series("prediction_id", [scored_again_id(one, version=version.number, role=role) for one in parents]),
        pl.lit(version.number, dtype=pl.Int64).alias("version"),
        pl.lit(role).alias("role"),
        pl.Series("outcome", outcomes, dtype=pl.String),
        pl.Series("parent", parents, dtype=pl.String),
        pl.lit("").alias("fallback"),
        *(pl.Series(name, answers[:, at]).fill_nan(None) for at, name in enumerate(outputs)),
    )
