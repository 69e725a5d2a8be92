"""The forgetting level and shared season, corrected by trees that learned where it goes wrong."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from finalmile.errors import CorruptError
from finalmile.forecasters import rolling
from finalmile.forecasters.artefact import about, read_parts
from finalmile.forecasters.calibrated import Calibrated
from finalmile.forecasters.correction_rows import CorrectionRows, correction_rows
from finalmile.forecasters.corrections import Names, Origin, origin_of
from finalmile.forecasters.direct.trees import Trees, grow
from finalmile.forecasters.forgetting import ForgettingLevel
from finalmile.forecasters.one_step import rolled_one_step
from finalmile.forecasters.rules import fit_rule
from finalmile.frames import FloatArray, Frequency, OneStep, Panel
from finalmile.ports import Fitted, forecasters

_TREES = {
    "objective": "tweedie",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 150,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
}
_HELD_OUT = {"week": 26, "month": 6}
_SEASONS_TO_LEARN = 1.75
_FIRST_SEASONS = 0.85
_ROWS_TO_LEARN = 1000
_UNCORRECTED = "No corrections were learned (they need weeks or months, and enough of them): level and season alone."


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedModel:
    """``exponential_level`` with trained corrections; without trees it is that rule alone.

    Parameters
    ----------
    rule
        What is corrected.
    trees
        Raw score added to the logarithm of the rule's forecast.
    names
        Hierarchy columns of training.
    trust
        Weight of the corrected forecast against the rule's own, in logarithms.
    """

    rule: ForgettingLevel
    trees: Trees | None
    names: Names
    trust: float

    def history(self, frequency: Frequency) -> int:
        """Periods of history a forecast looks at."""
        return self.rule.history(frequency)

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon)."""
        if self.trees is None or panel.n == 0:
            return self.rule.mean(panel, horizon=horizon)
        return self._corrected(origin_of(panel, rule=self.rule, names=self.names), range(1, horizon + 1))

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods made one period before; NaN before a series was listed."""
        return rolled_one_step(self, panel, periods=periods)

    def write(self, folder: Path, /) -> None:
        """Write the trees as text, and what they were trained with."""
        codes = {name: list(values) for name, values in self.names.codes.items()}
        told = {"groups": list(self.names.groups), "codes": codes, "trained": self.trees is not None}
        (folder / "correction.json").write_text(json.dumps(told), encoding="utf-8")
        if self.trees is not None:
            (folder / "correction.txt").write_text(self.trees.text, encoding="utf-8")

    def _corrected(self, origin: Origin, ahead: range) -> FloatArray:
        assert self.trees is not None
        means: list[FloatArray] = []
        for step in ahead:
            features, _ = origin.features(step, names=self.names)
            score = np.clip(self.trees.raw(features), -3.0, 3.0)
            means.append((origin.start(step) * np.exp(self.trust * score)).astype(np.float32))
        return np.stack(means, axis=1)


@forecasters.add("corrected_level")
@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedLevel:
    r"""A level times a shared season, times a correction that trees learned from all series.

    .. math:: \mu_h = \ell\, S_{t+h}\, e^{c\, f(x)}

    with :math:`f` a Tweedie model whose rows start from :math:`\log(\ell S)`, so that trees learn only what the rule
    gets wrong: trends of groups, last year's shape, products that are dying or coming up. For weeks and months, where
    a hundred or two points per series are too few for trees alone; for days and hours take ``lightgbm``. With less
    than seven quarters of a season of history, most phases would be learned from once, and it is ``exponential_level``.

    Parameters
    ----------
    half_life, group, shrink
        As in ``exponential_level``.
    trust
        ``c``, how much of the correction is taken, in [0, 1].
    rounds
        Trees.
    power
        Variance power of the Tweedie loss, in (1, 2).
    memory
        Periods after which a training row counts half; ``None`` for three seasons.
    ahead
        Periods ahead that it is trained for; those between and beyond are read off the nearest.
    threads
        Threads of training and prediction; the data of weeks and months is small, and one is enough.
    """

    half_life: float | None = None
    group: str = ""
    shrink: float = 400.0
    trust: float = 0.67
    rounds: int = 150
    power: float = 1.6
    memory: float | None = None
    ahead: tuple[int, ...] = (1, 3, 5)
    threads: int = 1

    def fit(self, panel: Panel, /, *, seed: int = 0) -> Fitted:
        """Train and calibrate; the calibration comes from a model that had not seen the periods it is judged on.

        For days and hours, and for too little history, it is ``exponential_level`` and says so in its notes.
        """
        names, unit = Names.of(panel), panel.frequency.unit
        rows = self._rows(panel, names) if unit in _HELD_OUT else None
        if rows is None:
            return fit_rule(
                self._untrained(names), panel, kind="corrected_level", settings=asdict(self), notes=(_UNCORRECTED,)
            )
        held, season = min(_HELD_OUT[unit], panel.length // 4), panel.frequency.season_length
        past = self._grown(rows, names, newest=panel.length - 1 - held, season=season, seed=seed)
        final = self._grown(rows, names, newest=panel.length - 1, season=season, seed=seed)
        calibration = rolling.roll(panel, model=past, earliest=panel.cutoff - held)
        return Calibrated(
            kind="corrected_level",
            settings=asdict(self),
            frequency=panel.frequency,
            trained_until=panel.cutoff,
            model=final,
            calibration=calibration,
            known_one_step=OneStep(
                ids=panel.ids, first=panel.cutoff - held + 1, mean=past.one_step(panel, periods=held)
            ),
            learns=final.trees is not None,
            notes=() if final.trees else (_UNCORRECTED,),
        )

    @classmethod
    def load(cls, folder: Path, /) -> Fitted:
        """What was saved, ready to answer again."""
        settings = cast("dict[str, Any]", about(folder)["settings"])
        settings["ahead"] = tuple(settings["ahead"])
        model, parts = cls(**settings)._read(folder), read_parts(folder)
        return Calibrated(
            kind="corrected_level",
            settings=settings,
            frequency=parts.frequency,
            trained_until=parts.trained_until,
            model=model,
            calibration=parts.calibration,
            known_one_step=parts.known_one_step,
            learns=model.trees is not None,
            notes=parts.notes,
        )

    def _read(self, folder: Path) -> CorrectedModel:
        try:
            told = json.loads((folder / "correction.json").read_text(encoding="utf-8"))
            text = (folder / "correction.txt").read_text(encoding="utf-8") if told["trained"] else None
            names = Names(groups=tuple(told["groups"]), codes={k: tuple(v) for k, v in told["codes"].items()})
        except (OSError, ValueError, KeyError) as fault:
            raise CorruptError(f"{folder} is not a whole artefact ({fault}); train or register again") from fault
        return replace(self._untrained(names), trees=None if text is None else Trees(text, self.threads))

    def _untrained(self, names: Names) -> CorrectedModel:
        rule = ForgettingLevel(half_life=self.half_life, group=self.group, shrink=self.shrink)
        return CorrectedModel(rule=rule, trees=None, names=names, trust=self.trust)

    def _rows(self, panel: Panel, names: Names) -> CorrectionRows | None:
        season = panel.frequency.season_length
        if panel.length < _SEASONS_TO_LEARN * season or panel.n == 0:
            return None
        rule = self._untrained(names).rule
        return correction_rows(panel, rule=rule, names=names, ahead=self.ahead, first=round(_FIRST_SEASONS * season))

    def _grown(
        self, rows: CorrectionRows | None, names: Names, *, newest: int, season: int, seed: int
    ) -> CorrectedModel:
        """Corrections learned from the rows that were over by the column ``newest``."""
        model = self._untrained(names)
        over = None if rows is None else rows.until(newest)
        if over is None or len(over.target) < _ROWS_TO_LEARN:
            return model
        trees = grow(
            over.features,
            over.target,
            names=over.names,
            weight=over.weights(newest=newest, memory=3.0 * season if self.memory is None else self.memory),
            settings={**_TREES, "tweedie_variance_power": self.power},
            rounds=self.rounds,
            threads=self.threads,
            seed=seed,
            offset=over.start,
        )
        return replace(model, trees=trees)
