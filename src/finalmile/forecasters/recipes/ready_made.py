"""Forecasts that somebody else makes: everything downstream works on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from finalmile.errors import CorruptError, MissingInputError
from finalmile.forecasters.artefact import read_parts
from finalmile.forecasters.rules import fit_rule, load_rule
from finalmile.forecasters.spans import spans_of
from finalmile.forecasters.table import ForecastTable
from finalmile.frames import Panel
from finalmile.ports import Fitted, forecasters


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A table of forecasts, with quantiles of window demand measured on how its past forecasts came true.

    Past cutoffs in the table whose windows have ended are the calibration; with too few of them window demand
    comes from past windows of sales, rescaled to the forecast, and is labelled uncalibrated.

    Parameters
    ----------
    table
        ``unique_id, cutoff, ds, mean``; one row for each series, cutoff and period. Other columns are ignored.
    """

    table: pl.DataFrame | None = None

    def fit(self, panel: Panel, /, *, seed: int = 0) -> Fitted:  # noqa: ARG002  # nothing is drawn
        """Calibrate the table on the panel's sales; forecasts made after the panel's cutoff are kept and not judged.

        Raises
        ------
        MissingInputError
            No table was given.
        SchemaError
            The table cannot be used.
        """
        if self.table is None:
            raise MissingInputError("ready_made has no forecasts; give ReadyMade(table=...) a frame of them")
        model = ForecastTable.of(self.table, frequency=panel.frequency)
        usual = [window for window in spans_of(panel.frequency).windows if window < model.horizon]
        return fit_rule(
            model,
            panel,
            kind="ready_made",
            settings={},
            windows=(*usual, model.horizon),
            origins=[one for one in model.cutoffs if one < panel.cutoff],
        )

    @classmethod
    def load(cls, folder: Path, /) -> Fitted:
        """What was saved, ready to answer again."""
        try:
            frame = pl.read_parquet(folder / "forecasts.parquet")
        except (OSError, pl.exceptions.PolarsError) as fault:
            raise CorruptError(f"{folder} holds no forecasts ({fault}); register them again") from fault
        model = ForecastTable.of(frame, frequency=read_parts(folder).frequency)
        return load_rule(model, folder, kind="ready_made", settings={})


forecasters.add("ready_made")(ReadyMade)  # not a decorator: the function below builds on the class itself


def ready_made(table: pl.DataFrame, panel: Panel) -> Fitted:
    """A table of forecasts as a fitted forecaster: :class:`ReadyMade` in one call."""
    return ReadyMade(table).fit(panel)
