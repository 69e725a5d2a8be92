"""A look is one step: kept whole or not at all, and nothing around it stops the days after it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select

from finalmile.adapters.local import incidents as incident_rows
from finalmile.adapters.local import runs as run_rows
from finalmile.adapters.local.database import Database
from finalmile.adapters.local.tables import outbox, states
from finalmile.errors import BusyError, CorruptError, TransientError
from finalmile.project import Project
from finalmile.records import Alert
from finalmile.workflows import explained as causes
from finalmile.workflows.logbook import LakeLog
from finalmile.workflows.looked import folded
from finalmile.workflows.monitor import Watched, monitor
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.looks import look

from .conftest import HISTORY, SETTINGS, SmallShop

WAITING = 3
"""Days that a look has not been taken at."""
LAST = HISTORY + 1 + WAITING


class KilledError(BaseException):
    """Ends a process where it stands."""


@dataclass(frozen=True)
class Receiver:
    """Remembers what it was told."""

    told: list[str] = field(default_factory=list[str], repr=False)
    name: str = "phone"

    def notify(self, alerts: Sequence[Alert]) -> None:
        self.told.extend(f"{one.name} {one.labels['state']}" for one in alerts)


@dataclass(frozen=True)
class Deaf:
    """Refuses everything, in a way that nobody foresaw."""

    def notify(self, alerts: Sequence[Alert]) -> None:
        raise ZeroDivisionError(len(alerts))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """Demand is six times what it was; of the last three days nothing was judged yet, and incidents open on them."""
    more = "respond: {automatic: none}\nmonitor: {clean_looks: 2}\n"
    shop = SmallShop(tmp_path_factory.mktemp("built") / "shop", SETTINGS + more)
    project = shop.project
    project.train("demand")
    project.promote("demand", force=True)
    for number in range(HISTORY, LAST):
        project.forecast("demand")
        shop.morning(number + 1)
        project.sales.add(shop.sales(number, number + 1, times=6.0))
        if number < LAST - WAITING:
            project.monitor("demand")
    return shop


@pytest.fixture
def waiting(built: SmallShop, tmp_path: Path) -> SmallShop:
    """The same shop for one test."""
    return built.copied(tmp_path / "shop")


def newest(project: Project) -> int:
    return project.shop.known.newest


def looked(project: Project, *, receiver: Receiver | None = None) -> Watched:
    shop = project.shop if receiver is None else replace(project.shop, notifiers=(receiver,))
    return monitor(shop, "demand", newest(project))


def kept(project: Project) -> dict[str, Any]:
    """Everything that looks leave behind."""
    ledger: Any = project.ledger
    with ledger.database.reading() as connection:
        blobs = {row.key: row.blob for row in connection.execute(select(states.c.key, states.c.blob))}
        rows = connection.execute(select(outbox.c.incident_id, outbox.c.body).order_by(outbox.c.id))
        alerts = [(row.incident_id, row.body) for row in rows]
    return {
        "states": blobs,
        "alerts": alerts,
        "incidents": project.ledger.incidents(),
        "findings": project.ledger.findings("demand", last_runs=100),
    }


@contextmanager
def dies(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, number: int, after: bool) -> Iterator[list[int]]:
    """Let a process die before or after the so-manyth call of something."""
    real, calls = getattr(owner, name), list[int]()

    @contextmanager
    def written(*args: Any) -> Iterator[Any]:
        calls.append(len(calls))
        if len(calls) == number and not after:
            raise KilledError
        with real(*args) as connection:
            yield connection
        if len(calls) == number and after:
            raise KilledError

    def counted(*args: Any, **more: Any) -> Any:
        calls.append(len(calls))
        if len(calls) == number and not after:
            raise KilledError
        told = real(*args, **more)
        if len(calls) == number and after:
            raise KilledError
        return told

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, written if name == "writing" else counted)
        yield calls


STEPS: Sequence[tuple[Any, str]] = (
    (Database, "writing"),
    (incident_rows, "put"),
    (incident_rows, "add_findings"),
    (run_rows, "save_state"),
    (Receiver, "notify"),
)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_look_that_is_killed_at_any_step_is_made_again_as_if_nothing_had_happened(
    waiting: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: bool
) -> None:
    undisturbed = Receiver()
    twin = copied(waiting, tmp_path / "twin")
    with dies(monkeypatch, owner, name, number=-1, after=after) as calls:
        looked(twin, receiver=undisturbed)
    wanted = kept(twin)
    assert undisturbed.told
    for number in sorted({len(calls)} if after else {1, len(calls) // 2}):
        project, receiver = copied(waiting, tmp_path / f"killed {number}"), Receiver()
        with dies(monkeypatch, owner, name, number=number, after=after), pytest.raises(KilledError):
            looked(project, receiver=receiver)
        looked(copied_open(project, waiting), receiver=receiver)
        assert kept(project) == wanted
        assert set(receiver.told) == set(undisturbed.told)
        assert len(receiver.told) - len(undisturbed.told) <= 1


def copied(shop: SmallShop, folder: Path) -> Project:
    """The project as it stands, in another folder."""
    shutil.copytree(shop.folder, folder)
    return Project.open(folder, clock=shop.clock)


def copied_open(project: Project, shop: SmallShop) -> Project:
    return Project.open(project.folder, clock=shop.clock)


def test_a_look_that_is_made_again_counts_nothing_twice(waiting: SmallShop) -> None:
    looked(waiting.project)
    before = kept(waiting.project)
    assert looked(waiting.project).looks == 0
    assert kept(waiting.project) == before


def test_a_damaged_forecast_is_told_and_the_days_after_it_are_judged(
    waiting: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, bad = LakeLog.issues, newest(waiting.project) - WAITING

    def damaged(log: LakeLog, model: str, cutoff: int) -> Any:
        if cutoff == bad:
            raise CorruptError("forecasts.parquet is not what was recorded")
        return real(log, model, cutoff)

    monkeypatch.setattr(LakeLog, "issues", damaged)
    assert looked(waiting.project).looks == WAITING
    found = waiting.project.ledger.findings("demand", last_runs=WAITING)
    (told,) = [one for one in found if one.check == "monitor"]
    assert "could not be judged (CorruptError: forecasts.parquet is not what was recorded)" in told.why
    assert len([one for one in found if (one.check, one.subject) == ("loss", "fleet")]) == WAITING - 1


@pytest.mark.parametrize("fault", [BusyError("locked"), TransientError("full"), OSError(28, "No space left on device")])
def test_a_disk_that_is_full_or_a_ledger_that_is_locked_stops_the_look_and_nothing_counts_as_judged(
    waiting: SmallShop, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    before = kept(waiting.project)
    real = look

    def broken(name: str, *args: Any) -> Any:
        if name == "coverage":
            raise fault
        return real(name, *args)

    with monkeypatch.context() as patched:
        patched.setattr("finalmile.workflows.monitor.look", broken)
        with pytest.raises(type(fault)):
            looked(waiting.project)
    assert kept(waiting.project) == before
    assert looked(waiting.project).looks == WAITING


def test_alerts_are_told_even_where_a_look_ends_in_an_error(
    waiting: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, real, calls = Receiver(), folded, list[int]()

    def broken(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == WAITING:
            raise BusyError("locked")
        return real(*args, **more)

    monkeypatch.setattr("finalmile.workflows.monitor.folded", broken)
    with pytest.raises(BusyError):
        looked(waiting.project, receiver=receiver)
    assert receiver.told


def test_sales_that_cannot_be_read_are_told_and_judged_the_next_time(
    waiting: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: Any, **__: Any) -> Any:
        raise CorruptError("sales.parquet is damaged")

    with monkeypatch.context() as patched:
        patched.setattr(type(waiting.project.shop.known), "panel", damaged)
        told = looked(waiting.project)
    assert told.looks == 0
    assert "sales.parquet is damaged" in told.findings[0].why
    assert looked(waiting.project).looks == WAITING


def test_a_log_of_predictions_that_cannot_be_read_is_told_and_stops_no_day(
    waiting: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: Project) -> None:
        raise CorruptError("worker-1.log is damaged")

    monkeypatch.setattr(Project, "_sealed", damaged)
    done = waiting.project.run_day()
    assert done.monitored.looks == WAITING
    assert any("worker-1.log is damaged" in one.why for one in done.monitored.findings)


def test_a_receiver_that_breaks_keeps_nobody_from_hearing_and_nobody_hears_twice(waiting: SmallShop) -> None:
    receiver = Receiver()
    deaf: Shop = replace(waiting.project.shop, notifiers=(Deaf(), receiver))
    monitor(deaf, "demand", newest(waiting.project))
    once = list(receiver.told)
    assert once
    monitor(deaf, "demand", newest(waiting.project))
    assert receiver.told == once
    assert waiting.project.ledger.pending_alerts()
    mended = Receiver(name="mended")
    monitor(replace(deaf, notifiers=(mended, receiver)), "demand", newest(waiting.project))
    assert (mended.told, receiver.told) == (once, once)
    assert not waiting.project.ledger.pending_alerts()


def test_a_cause_that_could_not_be_found_is_said_and_sought_again(
    waiting: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise CorruptError("the forecasts of May are damaged")

    with monkeypatch.context() as patched:
        patched.setattr(causes, "explain", broken)
        looked(waiting.project)
    (told,) = fleet(waiting)
    assert "Why is not known yet (CorruptError: the forecasts of May are damaged)" in told.explain()
    day = LAST
    waiting.project.forecast("demand")
    waiting.morning(day + 1)
    waiting.project.sales.add(waiting.sales(day, day + 1, times=6.0))
    looked(waiting.project)
    (told,) = fleet(waiting)
    assert "Why is not known" not in told.explain()
    assert waiting.project.why(told.incident_id).sentence.split(".")[0] in told.explain()


def fleet(shop: SmallShop) -> list[Any]:
    return [one for one in shop.project.ledger.incidents() if (one.check, one.subject) == ("loss", "fleet")]


def test_forecasts_that_come_late_are_judged_where_no_later_day_was(small_shop: Callable[..., SmallShop]) -> None:
    shop = small_shop()
    project = shop.project
    project.train("demand")
    project.promote("demand", force=True)
    for number in range(HISTORY, HISTORY + 3):
        shop.morning(number + 1)
        project.sales.add(shop.sales(number, number + 1))
    told = project.monitor("demand")
    assert told.looks == 0
    assert "no forecast of 3 days" in told.findings[0].why
    late(project, cutoff=newest(project) - 3)
    assert project.monitor("demand").looks == 3


def test_days_without_forecasts_are_told_once_a_later_one_is_judged(small_shop: Callable[..., SmallShop]) -> None:
    shop = small_shop(settings=SHORT)
    project = shop.project
    project.train("demand")
    project.promote("demand", force=True)
    for number in range(HISTORY, HISTORY + 4):
        if number != HISTORY + 1:
            project.forecast("demand")
        shop.morning(number + 1)
        project.sales.add(shop.sales(number, number + 1))
        told = project.monitor("demand")
        if number == HISTORY + 1:
            assert told.looks == 0
            assert "judged once there are forecasts" in told.findings[0].why
        if number == HISTORY + 2:
            assert told.looks == 1
            (passed,) = [one for one in told.findings if one.subject == "forecasts"]
            assert "passed over" in passed.why
            assert "finalmile why --model demand --since" in passed.why
    assert not [one for one in told.findings if one.subject == "forecasts"]


SHORT = """
models: {demand: {forecaster: seasonal_naive, horizon_days: 1}}
certify: {holdout_days: 14, baseline: seasonal_naive}
assume: {lead_time_days: [2, 6]}
plan: {review_period_days: 1}
"""


def late(project: Project, *, cutoff: int) -> None:
    """Forecast from a cutoff that is past."""
    from finalmile.workflows.forecast import forecast

    forecast(project.shop, "demand", cutoff=cutoff)


def test_a_day_of_which_half_has_come_waits_for_the_rest_a_day_at_most(small_shop: Callable[..., SmallShop]) -> None:
    shop = small_shop()
    project = shop.project
    project.train("demand")
    project.promote("demand", force=True)
    project.forecast("demand")
    rows = shop.sales(HISTORY, HISTORY + 1)
    shop.morning(HISTORY + 1)
    project.sales.add(rows.head(4))
    told = project.monitor("demand")
    assert told.looks == 0
    (waits,) = [one for one in told.findings if one.subject == "actuals"]
    assert "4 rows of sales" in waits.why
    assert "8 are usual" in waits.why
    project.sales.add(rows.tail(4))
    told = project.monitor("demand")
    assert told.looks == 1
    (fresh,) = [one for one in told.findings if one.subject == "actuals"]
    assert fresh.value == 1.0
    project.forecast("demand")
    shop.morning(HISTORY + 2)
    project.sales.add(shop.sales(HISTORY + 1, HISTORY + 2).filter(pl.col("unique_id") < "item 3"))
    assert project.monitor("demand").looks == 0
    shop.morning(HISTORY + 3)
    assert project.monitor("demand").looks == 1
