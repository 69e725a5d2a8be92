"""Nothing that happened after a day, or became known after it, changes what was decided by then."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finalmile.project import Project

BEGIN, DAYS, SERIES = date(2023, 1, 2), 150, 12
START, END = BEGIN + timedelta(days=128), BEGIN + timedelta(days=142)
JUMP = 131
AHEAD = 4
LEARNERS = {
    "window_average": "forecaster: window_average",
    "lightgbm": "forecaster: lightgbm, settings: {rounds: 10, window_rounds: 5}",
}
SETTINGS = """
models: {{demand: {{{learner}, horizon_days: 8}}}}
certify: {{holdout_days: 14, min_forecast_value_added: -9, max_abs_bias: 9, coverage_slack: 1}}
respond: {{recent_looks: 4}}
"""
CUTOFFS = st.integers(5, (END - START).days - 1).map(lambda days: START + timedelta(days=days))
FEW = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NUMBERS = ("y", "on_hand", "price", "promo", "temperature")


def day(number: int) -> date:
    return BEGIN + timedelta(days=number)


def night_of(at: date, *, days: int = 0) -> datetime:
    """The first instant after a day, or so many days later."""
    return datetime.combine(at + timedelta(days=1 + days), time(), tzinfo=UTC)


def sales() -> pl.DataFrame:
    """Series of which two are listed within the span; all sell three times as much from the jump on."""
    return pl.concat([_series(number) for number in range(SERIES)])


def _series(number: int) -> pl.DataFrame:
    chance = np.random.default_rng(number)
    t = np.arange({SERIES - 1: 137, SERIES - 2: 130}.get(number, 0), DAYS)
    out = chance.random(len(t)) < 0.04
    promo = chance.random(len(t)) < 0.1
    level = chance.uniform(2, 20) * (1 + 0.4 * (t % 7 > 4)) * np.where(promo, 1.5, 1.0) * np.where(t < JUMP, 1.0, 3.0)
    return pl.DataFrame(
        {
            "unique_id": f"item {number:02}",
            "ds": [day(int(one)) for one in t],
            "y": np.where(out, 0.0, chance.poisson(level)),
            "on_hand": np.where(out, 0.0, 40.0),
            "price": np.round(np.where(promo, 4.0, 5.0) + number, 2),
            "promo": promo.astype(np.float64),
            "temperature": chance.normal(10, 5, len(t)),
            "event": ["fair" if one % 30 == 3 else None for one in t],
            "category": f"category {number % 3}" if number < SERIES - 1 else "new category",
        }
    )


def items() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "unique_id": [f"item {number:02}" for number in range(SERIES)],
            "lead_time_days": [2.0 + number % 4 for number in range(SERIES)],
            "supplier_id": [f"supplier {number % 2}" for number in range(SERIES)],
            "unit_cost": [3.0 + number for number in range(SERIES)],
            "review_period_days": 3,
            "brand": [f"brand {number % 2}" for number in range(SERIES)],
        }
    )


@dataclass(frozen=True)
class World:
    """What a project is told, in order; ``later`` are second ingests."""

    sales: pl.DataFrame = field(default_factory=sales)
    future: pl.DataFrame = field(default_factory=lambda: sales().select("unique_id", "ds", "price", "promo"))
    items: pl.DataFrame = field(default_factory=items)
    later: tuple[Callable[[Project], object], ...] = ()


def replayed(
    world: World, folder: Path, *, learner: str = "window_average", end: date = END
) -> Mapping[str, pl.DataFrame]:
    """What a replay wrote down."""
    folder.mkdir()
    (folder / "finalmile.yaml").write_text(SETTINGS.format(learner=LEARNERS[learner]))
    project = Project.open(folder)
    project.items.add(world.items)
    project.sales.add(world.sales)
    project.future.add(world.future, known_days_ahead=AHEAD)
    for step in world.later:
        step(project)
    project.replay(START, end, retrain_every_days=5)
    return {path.stem: pl.read_parquet(path) for path in (folder / "replays" / f"{START}_{end}").glob("*.parquet")}


def decided_by(files: Mapping[str, pl.DataFrame], c: date, *, until_the_end: bool = True) -> dict[str, pl.DataFrame]:
    """Rows decided at ``c`` or before; orders decided at the end of ``c`` are stamped with the next day."""
    ordered = c + timedelta(days=1 if until_the_end else 0)
    return {
        "forecasts": files["forecasts"].filter(pl.col("cutoff") <= c),
        "orders": files["orders"].filter(pl.col("ordered_at") <= ordered),
        "happenings": files["happenings"].filter(pl.col("at") <= c),
        "daily": files["daily"].filter(pl.col("ds") <= c).drop("ordered", "order_lines"),
        "loss": files["loss"].filter(pl.col("ds") <= c),
    }


def assert_same_decisions(
    one: Mapping[str, pl.DataFrame], other: Mapping[str, pl.DataFrame], c: date, *, until_the_end: bool = True
) -> None:
    mine, theirs = (decided_by(files, c, until_the_end=until_the_end) for files in (one, other))
    for name in mine:
        assert mine[name].height, f"nothing to compare: no {name} by {c}"
        assert_frame_equal(mine[name], theirs[name], check_exact=True)


class Plays:
    """Replays, the undisturbed one of each learner played once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.numbers = folder, itertools.count()
        self.undisturbed: dict[str, Mapping[str, pl.DataFrame]] = {}

    def play(self, world: World, *, learner: str = "window_average", end: date = END) -> Mapping[str, pl.DataFrame]:
        return replayed(world, self.folder / str(next(self.numbers)), learner=learner, end=end)

    def plain(self, learner: str = "window_average") -> Mapping[str, pl.DataFrame]:
        if learner not in self.undisturbed:
            self.undisturbed[learner] = self.play(World(), learner=learner)
        return self.undisturbed[learner]


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> Plays:
    return Plays(tmp_path_factory.mktemp("look-ahead"))


def told_by(c: date) -> date:
    """Last day of which prices and promotions were told by the end of ``c``."""
    return c + timedelta(days=1 + AHEAD)


def changed_after(c: date, *, columns: tuple[str, ...] = NUMBERS, value: float = 1e9, word: str = "changed") -> World:
    """The same world with other values after ``c``, in what was told ahead too where that was told after ``c``."""
    plain = World()
    told = pl.col("ds") > told_by(c)
    return World(
        sales=plain.sales.with_columns(
            *(_where(pl.col("ds") > c, pl.lit(value), name) for name in columns),
            _where(pl.col("ds") > c, pl.lit(word), "event"),
        ),
        future=plain.future.with_columns(
            _where(told, pl.lit(value), name) for name in ("price", "promo") if name in columns
        ),
    )


def removed_after(c: date) -> World:
    plain = World()
    told = pl.col("ds") <= told_by(c)
    return World(sales=plain.sales.filter(pl.col("ds") <= c), future=plain.future.filter(told))


def _where(after: pl.Expr, value: pl.Expr, name: str) -> pl.Expr:
    return pl.when(after).then(value).otherwise(pl.col(name)).alias(name)


def test_the_replays_that_are_compared_hold_alarms_orders_and_deployments(plays: Plays):
    early = decided_by(plays.plain(), START + timedelta(days=6))
    assert {"alarm", "deployment"} <= set(early["happenings"]["kind"])
    assert early["orders"].height > SERIES
    assert early["forecasts"]["unique_id"].n_unique() == SERIES - 1


def test_a_replay_is_the_same_again(plays: Plays):
    c = START + timedelta(days=6)
    assert_same_decisions(plays.plain(), plays.play(World(), end=c + timedelta(days=1)), c)


@settings(FEW, max_examples=1)
@given(
    c=CUTOFFS,
    columns=st.sets(st.sampled_from(NUMBERS), min_size=1).map(tuple),
    value=st.sampled_from([1e9, 0.0, 7.0]),
)
def test_other_values_after_a_day_change_nothing_decided_by_then(
    plays: Plays, c: date, columns: tuple[str, ...], value: float
):
    assert_same_decisions(plays.plain(), plays.play(changed_after(c, columns=columns, value=value)), c)


@pytest.mark.proof
@settings(FEW, max_examples=5)
@given(c=CUTOFFS)
def test_every_value_after_a_day_a_billion_changes_nothing_decided_by_then(plays: Plays, c: date):
    assert_same_decisions(plays.plain(), plays.play(changed_after(c)), c)


@settings(FEW, max_examples=1)
@given(c=CUTOFFS)
def test_no_rows_after_a_day_change_nothing_decided_by_then(plays: Plays, c: date):
    assert_same_decisions(plays.plain(), plays.play(removed_after(c), end=c), c, until_the_end=False)


def revised_sales(at: date, *, known_at: datetime, value: float) -> Callable[[Project], object]:
    """A second ingest that corrects what was told of a day."""
    rows = sales().filter(pl.col("ds") == at).with_columns(pl.lit(value).alias("y"))
    return lambda project: project.sales.add(rows, known_at=known_at)


def changed_plans(c: date, *, known_at: datetime) -> Callable[[Project], object]:
    rows = World().future.filter(pl.col("ds") > c).with_columns(pl.lit(1e9).alias("price"))
    return lambda project: project.future.add(rows, known_at=known_at)


def changed_items(*, known_at: datetime) -> Callable[[Project], object]:
    rows = items().with_columns(
        pl.lit(6.0).alias("lead_time_days"), brand=pl.lit("sold to another"), colour=pl.lit("x")
    )
    return lambda project: project.items.add(rows, known_at=known_at)


@settings(FEW, max_examples=1)
@given(c=CUTOFFS, days=st.integers(0, 3))
def test_what_became_known_after_a_day_changes_nothing_decided_by_then(plays: Plays, c: date, days: int):
    later = night_of(c, days=days) + timedelta(hours=1)
    steps = (
        revised_sales(c - timedelta(days=1), known_at=later, value=1e9),
        revised_sales(BEGIN + timedelta(days=90), known_at=later, value=1e9),
        changed_plans(c, known_at=later),
        changed_items(known_at=later),
    )
    assert_same_decisions(plays.plain(), plays.play(World(later=steps)), c)


def test_a_second_revision_does_not_take_back_that_the_first_was_known(plays: Plays):
    at, c = START - timedelta(days=3), START + timedelta(days=7)
    first = revised_sales(at, known_at=night_of(START), value=60.0)
    second = revised_sales(at, known_at=night_of(c, days=1), value=1e9)
    end = c + timedelta(days=2)
    once, twice = plays.play(World(later=(first,)), end=end), plays.play(World(later=(first, second)), end=end)
    assert_same_decisions(once, twice, c)
    first_only, neither = (decided_by(files, c)["forecasts"] for files in (once, plays.plain()))
    assert not first_only.equals(neither)


def test_a_correction_counts_from_the_night_it_is_known(plays: Plays):
    c = START + timedelta(days=7)
    step = revised_sales(c - timedelta(days=1), known_at=night_of(c), value=500.0)
    corrected = plays.play(World(later=(step,)), end=c + timedelta(days=1))
    told, plain = (files["forecasts"].filter(pl.col("cutoff") == c) for files in (corrected, plays.plain()))
    assert told["mean"].sum() > plain["mean"].sum() + SERIES


def finalmile(folder: Path, *words: str) -> None:
    """The command line in a process of its own."""
    command = [sys.executable, "-c", "from finalmile.cli import main; main()", *words, "--project", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.proof
def test_the_command_line_looks_at_nothing_after_a_day_either(plays: Plays, tmp_path: Path):
    c = START + timedelta(days=7)
    world, folder = changed_after(c), tmp_path / "shop"
    folder.mkdir()
    (folder / "finalmile.yaml").write_text(SETTINGS.format(learner=LEARNERS["window_average"]))
    for kind, more in (("items", ()), ("sales", ()), ("future", ("--known-days-ahead", str(AHEAD)))):
        getattr(world, kind).write_csv(tmp_path / f"{kind}.csv")
        finalmile(folder, "ingest", kind, str(tmp_path / f"{kind}.csv"), *more)
    finalmile(folder, "replay", str(START), str(END), "--retrain-every-days", "5", "--out", str(tmp_path / "out"))
    told = {path.stem: pl.read_parquet(path) for path in (tmp_path / "out").glob("*.parquet")}
    assert_same_decisions(plays.plain(), told, c)


@pytest.mark.slow
def test_what_trees_learn_looks_at_nothing_after_a_day(plays: Plays):
    c = START + timedelta(days=5)
    learned = {"learner": "lightgbm", "end": c + timedelta(days=1)}
    plain = plays.play(World(), **learned)
    assert "lightgbm" in " ".join(decided_by(plain, c)["happenings"]["text"])
    later = night_of(c) + timedelta(hours=1)
    told_later = (changed_plans(c, known_at=later), changed_items(known_at=later))
    assert_same_decisions(plain, plays.play(replace(changed_after(c), later=told_later), **learned), c)
    short = plays.play(removed_after(c), learner="lightgbm", end=c)
    assert_same_decisions(plain, short, c, until_the_end=False)
