"""A level and season corrected by trees."""

import numpy as np
import pytest

from finalmile.errors import CorruptError
from finalmile.forecasters.artefact import load
from finalmile.forecasters.corrections import Names, origin_of
from finalmile.forecasters.forgetting import ForgettingLevel
from finalmile.frames import Frequency, Panel
from finalmile.ports import forecasters

RECIPE = {"rounds": 15, "group": "kind"}


def panel(*, n=24, length=130, seed=0, unit="week"):
    """Half of the series grow slowly, half shrink; the group says which."""
    rng = np.random.default_rng(seed)
    rising = np.arange(n) % 2 == 0
    slope = np.where(rising, 1.012, 0.988)[:, None] ** np.arange(length)
    y = rng.poisson(rng.uniform(2, 12, (n, 1)) * slope).astype(np.float32)
    return Panel(
        ids=np.array([f"s{k:03d}" for k in range(n)], dtype=object),
        frequency=Frequency(unit),
        first=2600,
        y=y,
        censored=np.zeros(y.shape, dtype=np.bool_),
        statics={"kind": np.where(rising, "up", "down").astype(object)},
    )


@pytest.fixture(scope="module")
def fitted():
    return forecasters.make("corrected_level", **RECIPE).fit(panel(), seed=1)


def test_trees_learn_what_a_flat_level_cannot_tell(fitted):
    world = panel()
    told = fitted.predict(world, horizon=5).mean
    rule = ForgettingLevel(group="kind").mean(world, horizon=5)
    rising = world.statics["kind"] == "up"
    assert (told / rule)[rising].mean() > (told / rule)[~rising].mean()


def test_an_artefact_answers_as_the_fitted_one_did(fitted, tmp_path):
    fitted.save(tmp_path)
    again = load(tmp_path)
    assert np.array_equal(again.predict(panel(), horizon=3).mean, fitted.predict(panel(), horizon=3).mean)


def test_a_damaged_artefact_is_refused(fitted, tmp_path):
    fitted.save(tmp_path)
    (tmp_path / "correction.json").write_text("{}")
    with pytest.raises(CorruptError, match="not a whole artefact"):
        load(tmp_path)


def test_what_comes_after_the_cutoff_changes_no_forecast():
    seen, recipe = panel(), forecasters.make("corrected_level", **RECIPE)
    known = seen.at(seen.first + 99)
    later = seen.y.copy()
    later[:, 100:] = 1e6
    changed = Panel(
        ids=seen.ids, frequency=seen.frequency, first=seen.first, y=later, censored=seen.censored, statics=seen.statics
    ).at(seen.first + 99)
    first, second = (recipe.fit(one, seed=1).predict(one, horizon=4).mean for one in (known, changed))
    assert np.array_equal(first, second)


def test_features_of_a_cutoff_are_the_same_however_much_is_known_later():
    world, rule = panel(), ForgettingLevel()
    names = Names.of(world)
    whole, part = (
        origin_of(one.at(world.first + 80), rule=rule, names=names) for one in (world, world.at(world.first + 110))
    )
    assert np.array_equal(whole.features(3, names=names)[0], part.features(3, names=names)[0], equal_nan=True)


def test_a_series_is_forecast_alike_in_any_order(fitted):
    world = panel()
    back = world.take(np.arange(world.n)[::-1])
    assert fitted.predict(back, horizon=2).mean[::-1] == pytest.approx(fitted.predict(world, horizon=2).mean, rel=1e-5)


def test_too_little_history_falls_back_on_level_and_season_and_says_so():
    short = panel(length=40)
    fitted = forecasters.make("corrected_level", **RECIPE).fit(short)
    assert "level and season alone" in fitted.notes[0]
    assert fitted.predict(short, horizon=2).mean == pytest.approx(ForgettingLevel(group="kind").mean(short, horizon=2))


def test_an_unknown_group_value_is_answered(fitted):
    world = panel()
    world.statics["kind"][:3] = "sideways"
    assert np.isfinite(fitted.predict(world, horizon=2).mean).all()


def test_days_are_answered_by_level_and_season_alone():
    days = panel(unit="day", length=70)
    assert "level and season alone" in forecasters.make("corrected_level").fit(days).notes[0]
