"""The past of a project: what decisions were worth, and what others would have been."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from finalmile.adapters.local.artefacts import FolderArtefacts
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import MissingInputError, UnknownNameError
from finalmile.inventory.policies import policies
from finalmile.ports import Progress
from finalmile.project.core import DEFAULT_MODEL, Core
from finalmile.workflows.shop import Shop

if TYPE_CHECKING:
    from finalmile.workflows.account import Replayed
    from finalmile.workflows.past_known import PastKnown


class Past(Core):
    """History, told and played again."""

    def impact(self, start: date, end: date, *, against: str | None = None, model: str = DEFAULT_MODEL) -> Replayed:
        """What ordering by the forecasts logged in a span was worth, against a baseline."""
        from finalmile.workflows import impact, views

        _check_order(start, end)
        past = self._past()
        shop = replace(self._against(self.shop, against), known=past)
        return impact.impact(shop, past, model, start=start, end=end, assumptions=views.assumptions(self.config))

    def replay(
        self,
        start: date,
        end: date,
        *,
        model: str = DEFAULT_MODEL,
        retrain_every_days: float | None = None,
        against: str | None = None,
        out: Path | None = None,
        demand: pl.DataFrame | None = None,
        progress: Progress | None = None,
    ) -> Replayed:
        """Play history again, every decision made from what was known then.

        Parameters
        ----------
        start, end
            First and last day that is played.
        retrain_every_days
            By default what the settings say.
        against
            Baseline policy; by default that of the settings.
        out
            Folder for the results, beside the project's own.
        demand
            ``unique_id, ds, demand``: true demand, where it is known; sales otherwise.

        Raises
        ------
        MissingInputError
            If sales do not cover the span and some history before it.
        """
        from finalmile.workflows import account, replay, spans, views
        from finalmile.workflows.findings_kept import to_frame
        from finalmile.workflows.memory import MemoryLog

        _check_order(start, end)
        began = time.monotonic()
        past = self._past()
        with tempfile.TemporaryDirectory(prefix="finalmile-replay-") as scratch, SqlLedger("sqlite://") as ledger:
            clock = replay.ReplayClock()
            shop = Shop(
                config=self.config,
                ledger=ledger,
                artefacts=FolderArtefacts(Path(scratch)),
                known=past,
                forecasts=MemoryLog(),
                clock=clock,
                actor="replay",
            )
            spans.check_start(shop, past, start=start, end=end)
            days = self.config.replay.retrain_every_days if retrain_every_days is None else retrain_every_days
            played = replay.play(
                self._against(shop, against),
                past,
                clock,
                model=model,
                first=past.frequency.index_of(start),
                last=past.frequency.index_of(end),
                retrain_every=shop.periods(days) if days else None,
                demand=demand,
                progress=progress,
            )
        told = account.account(
            played,
            model=model,
            frequency=past.frequency,
            policy=self.config.plan.policy,
            against=against or self.config.plan.baseline,
            assumptions=views.assumptions(self.config),
            seconds=time.monotonic() - began,
        )
        forecasts = account.forecasts_of(played.days)
        found = to_frame(finding for day in played.days for finding in day.findings)
        for folder in (self.folder / "replays" / f"{start}_{end}", *([] if out is None else [out])):
            told.write(folder, forecasts=forecasts)
            found.write_parquet(folder / "findings.parquet", compression="zstd")
        return told

    def _past(self) -> PastKnown:
        from finalmile.workflows.past_known import PastKnown

        return PastKnown.of(
            self.tables["sales"],
            self.tables["items"],
            self.tables["future"],
            config=self.config,
            holidays=self._holidays,
        )

    @staticmethod
    def _against(shop: Shop, against: str | None) -> Shop:
        if against is None:
            return shop
        known = sorted(policies)
        if against not in known:
            raise UnknownNameError("policy", against, known)
        rules = shop.config.plan.model_copy(update={"baseline": against, "baseline_settings": {}})
        return replace(shop, config=shop.config.model_copy(update={"plan": rules}))


def _check_order(start: date, end: date) -> None:
    if start > end:
        raise MissingInputError(f"the span starts on {start}, after its end {end}; give the earlier day first")
