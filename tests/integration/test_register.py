"""Models made elsewhere, from registration to orders' forecasts, with real processes."""

from datetime import date, timedelta

import lightgbm
import numpy as np
import polars as pl
import pytest

from finalmile.errors import ConfigError, MissingInputError, ModelFaultError, SchemaError, UnknownNameError
from finalmile.project import Project
from finalmile.serving.native_lightgbm import open_rows

BEGIN, HISTORY, SERIES = date(2023, 1, 2), 150, 8
SETTINGS = """
models: {demand: {forecaster: seasonal_naive, horizon_days: 14}}
certify: {holdout_days: 14, baseline: seasonal_naive, min_forecast_value_added: -1.0, coverage_slack: 0.5}
"""
FEATURES = {"features": [{"name": "weekday", "low": 0, "high": 6}, "level", {"name": "price", "default": 2.0}]}
CODE = '''
import datetime
import numpy as np
import polars as pl


def features(sales, horizon):
    """Weekday, level of the last four weeks and price of every period ahead."""
    last = sales["ds"].max()
    ahead = pl.DataFrame({"ds": [last + datetime.timedelta(days=step + 1) for step in range(horizon)]})
    recent = sales.filter(pl.col("ds") > last - datetime.timedelta(days=28))
    level = recent.group_by("unique_id", maintain_order=True).agg(level=pl.col("y").mean())
    made = level.join(ahead, how="cross")
    return made.with_columns(weekday=pl.col("ds").dt.weekday() - 1.0, price=pl.lit(2.0))


def rows(x):
    return x[:, 1] * np.where(x[:, 0] > 4, 1.5, 0.8)


def weekday_means(sales, horizon):
    last = sales["ds"].max()
    ahead = pl.DataFrame({"ds": [last + datetime.timedelta(days=step + 1) for step in range(horizon)]})
    sales = sales.with_columns(weekday=pl.col("ds").dt.weekday())
    means = sales.group_by("unique_id", "weekday", maintain_order=True).agg(mean=pl.col("y").mean())
    return ahead.with_columns(weekday=pl.col("ds").dt.weekday()).join(means, on="weekday")


def too_few(sales, horizon):
    return weekday_means(sales, horizon).filter(pl.col("unique_id") == "nobody")


def absurd(sales, horizon):
    return weekday_means(sales, horizon).with_columns(mean=pl.lit(1e300))
'''


def sales():
    days = range(HISTORY)
    level = [(6 + one) * (1.5 if t % 7 > 4 else 0.8) for one in range(SERIES) for t in days]
    return pl.DataFrame(
        {
            "unique_id": np.repeat([f"item {one}" for one in range(SERIES)], HISTORY),
            "ds": [BEGIN + timedelta(days=t) for t in days] * SERIES,
            "y": np.random.default_rng(0).poisson(level).astype(float),
        }
    )


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "finalmile.yaml").write_text(SETTINGS)
    project = Project.open(tmp_path / "shop")
    project.sales.add(sales())
    return project


@pytest.fixture
def code(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(CODE)
    return path


@pytest.fixture
def tree_text(tmp_path):
    chance = np.random.default_rng(3)
    rows = np.column_stack([chance.integers(0, 7, 500), chance.uniform(1, 12, 500), np.full(500, 2.0)])
    target = chance.poisson(rows[:, 1] * np.where(rows[:, 0] > 4, 1.5, 0.8))
    data = lightgbm.Dataset(rows, target)
    booster = lightgbm.train({"objective": "poisson", "verbosity": -1, "num_threads": 1, "num_leaves": 8}, data, 40)
    booster.save_model(tmp_path / "trees.txt")
    return tmp_path / "trees.txt"


def test_a_function_of_sales_is_certified_promoted_and_forecasts(project, code):
    told = project.register("demand", "callable", function="own:weekday_means", path=code)
    assert told.version.kind == "registered"
    assert project.certify("demand").certificate.passed
    project.promote("demand")
    forecast = project.forecast("demand").forecast
    assert forecast.mean.shape == (SERIES, 14)
    assert forecast.cumulative is not None
    assert set(forecast.cumulative.methods) == {"conformal"}
    again = Project.open(project.folder).forecast("demand").forecast
    assert np.array_equal(again.mean, forecast.mean)


def test_its_forecasts_are_those_of_the_function_itself(project, code):
    project.register("demand", "callable", function="own:weekday_means", path=code)
    project.promote("demand", force=True)
    told = project.forecast("demand").forecast
    means = sales().filter(pl.col("unique_id") == "item 0")
    monday = means.filter(pl.col("ds").dt.weekday() == (BEGIN + timedelta(days=HISTORY)).isoweekday())["y"].mean()
    assert told.mean[0, 0] == pytest.approx(monday, rel=1e-6)


def test_rows_with_a_feature_function_forecast_whole_series_and_answer_at_the_endpoint(project, code, tree_text):
    declared = {**FEATURES, "made_by": "own:features"}
    until = BEGIN + timedelta(days=100)
    told = project.register("demand", "lightgbm", path=tree_text, code=code, features=declared, trained_until=until)
    assert told.tried is not None
    assert told.tried.row_us > 0
    assert project.certify("demand").certificate.metrics["wape"] < 0.5
    project.promote("demand", force=True)
    forecast = project.forecast("demand").forecast
    native = open_rows(project.artefacts.path(told.version.digest))
    day = BEGIN + timedelta(days=HISTORY)
    recent = sales().filter(pl.col("unique_id") == "item 0")["y"].tail(28).mean()
    said = native.rows(np.array([[day.weekday(), recent, 2.0]]))[0, 0]
    assert forecast.mean[0, 0] == pytest.approx(said, rel=1e-5)


def test_a_model_that_has_seen_the_holdout_is_not_judged_on_it(project, code, tree_text):
    project.register("demand", "lightgbm", path=tree_text, code=code, features={**FEATURES, "made_by": "own:features"})
    with pytest.raises(MissingInputError, match="trained-until"):
        project.certify("demand")


def test_rows_without_a_feature_function_are_served_and_forecast_nothing(project, tree_text):
    told = project.register("demand", "lightgbm", path=tree_text, features=FEATURES)
    assert open_rows(project.artefacts.path(told.version.digest)).rows(np.ones((3, 3))).shape == (3, 1)
    project.promote("demand", force=True)
    with pytest.raises(MissingInputError, match="made_by"):
        project.forecast("demand")


def test_a_model_of_rows_needs_no_sales(tmp_path, tree_text):
    told = Project.open(tmp_path / "empty").register("demand", "lightgbm", path=tree_text, features=FEATURES)
    assert str(told.version) == "demand@1"


def test_the_same_model_again_is_the_same_version(project, tree_text):
    first = project.register("demand", "lightgbm", path=tree_text, features=FEATURES)
    again = project.register("demand", "lightgbm", path=tree_text, features=FEATURES)
    assert again.version == first.version
    assert first.lines()[0] == "demand@1 is registered."
    assert again.lines()[0].startswith("demand@1 is registered already, since 20")
    assert (first.to_dict()["again"], again.to_dict()["again"]) == (False, True)


def test_the_sandbox_certificate_is_kept_with_the_version(project, tree_text):
    told = project.register("demand", "lightgbm", path=tree_text, features=FEATURES)
    kept = project.ledger.run_done("sandbox", str(told.version))
    assert kept is not None
    assert kept["row_us"] == told.tried.row_us


@pytest.mark.parametrize("function", ["too_few", "absurd"])
def test_nothing_is_kept_of_a_function_of_sales_that_answers_badly(function, project, code):
    with pytest.raises(ModelFaultError):
        project.register("demand", "callable", function=f"own:{function}", path=code)
    assert project.models().rows == ()


def test_golden_rows_of_the_owner_must_be_answered(project, code):
    golden = {"rows": [[5, 10, 2], [0, 10, 2]], "answers": [[15.0], [8.0]]}
    told = {**FEATURES, "golden": golden}
    assert project.register("demand", "callable", function="own:rows", path=code, features=told).version.number == 1
    wrong = {**FEATURES, "golden": {**golden, "answers": [[15.0], [9.0]]}}
    with pytest.raises(Exception, match="golden row 1"):
        project.register("demand", "callable", function="own:rows", path=code, features=wrong)


def test_what_unpickles_needs_trust(project, tmp_path):
    (tmp_path / "m.joblib").write_bytes(b"")
    with pytest.raises(ConfigError, match="--trust"):
        project.register("demand", "sklearn", path=tmp_path / "m.joblib", features=FEATURES)


def test_what_was_given_wrongly_is_said(project, tree_text, tmp_path):
    with pytest.raises(UnknownNameError, match="lightgbm"):
        project.register("demand", "ligthgbm", path=tree_text, features=FEATURES)
    with pytest.raises(ConfigError, match="--features"):
        project.register("demand", "lightgbm", path=tree_text)
    with pytest.raises(MissingInputError, match="is not there"):
        project.register("demand", "lightgbm", path=tmp_path / "nowhere.txt", features=FEATURES)
    with pytest.raises(SchemaError, match="fetures"):
        project.register("demand", "lightgbm", path=tree_text, features={"fetures": []})
    with pytest.raises(SchemaError, match="takes 3 features and 1 are declared"):
        project.register("demand", "lightgbm", path=tree_text, features={"features": ["a"]})


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"unique_id,ds,y\na,2024-01-01,3\n", "it begins with 'unique_id,ds,y'"),
        (b"\x80\x04\x95", "it is not even text"),
        (b"", "it is empty"),
        (b"tree\nversion=v4\n", "ends before its trees do"),
    ],
)
def test_what_is_no_model_text_is_told_with_what_it_looks_like_and_what_would_be_right(tmp_path, raw, found):
    project = Project.init(tmp_path / "shop")
    (tmp_path / "model.txt").write_bytes(raw)
    with pytest.raises(MissingInputError, match=f"{found}.*name the text that Booster.save_model wrote"):
        project.register("demand", "lightgbm", path=tmp_path / "model.txt", features={"features": ["level"]})


def test_features_that_are_not_declared_are_named(tmp_path):
    project = Project.init(tmp_path / "shop")
    a_text(tmp_path / "model.txt", ["level", "week day", "price"])
    with pytest.raises(SchemaError, match=r"takes 3 features and 2 are declared \(level, week day\); price is not"):
        project.register(
            "demand", "lightgbm", path=tmp_path / "model.txt", features={"features": ["level", "week day"]}
        )


def test_a_dry_rollback_without_sales_says_where_it_would_lead(tmp_path):
    project = Project.init(tmp_path / "shop")
    for name in ("level", "weekday"):
        a_text(tmp_path / "model.txt", [name])
        project.register("demand", "lightgbm", path=tmp_path / "model.txt", features={"features": [name]})
        project.promote(force=True)
    assert project.rollback(dry_run=True).lines() == ["demand@1 would go live; before: demand@2."]


def a_text(path, names):
    """A LightGBM text over rows whose features have these names."""
    rows = np.random.default_rng(0).normal(size=(200, len(names)))
    data = lightgbm.Dataset(rows, label=rows[:, 0], feature_name=list(names))
    lightgbm.train({"verbosity": -1, "num_threads": 1}, data, num_boost_round=2).save_model(path)


def test_features_in_another_order_than_the_text_names_them_are_refused(tmp_path):
    project = Project.init(tmp_path / "shop")
    a_text(tmp_path / "model.txt", ["level", "weekday"])
    with pytest.raises(SchemaError, match="takes level, weekday; declared are weekday, level"):
        project.register("demand", "lightgbm", path=tmp_path / "model.txt", features={"features": ["weekday", "level"]})
    told = project.register(
        "demand", "lightgbm", path=tmp_path / "model.txt", features={"features": ["level", "weekday"]}
    )
    assert "promote demand --force" in told.lines()[-1]


def test_features_that_the_text_never_named_may_be_called_anything(tmp_path):
    project = Project.init(tmp_path / "shop")
    a_text(tmp_path / "model.txt", ["Column_0", "Column_1"])
    project.register("demand", "lightgbm", path=tmp_path / "model.txt", features={"features": ["level", "weekday"]})


def test_a_slip_in_what_a_feature_says_is_told(tmp_path):
    project = Project.init(tmp_path / "shop")
    a_text(tmp_path / "model.txt", ["level"])
    with pytest.raises(SchemaError, match="no key is called 'lo'"):
        project.register(
            "demand", "lightgbm", path=tmp_path / "model.txt", features={"features": [{"name": "level", "lo": 0}]}
        )


def test_a_version_that_is_promoted_or_rolled_back_has_no_share_beside_the_live_one(tmp_path):
    project = Project.init(tmp_path / "shop")
    for number, name in enumerate(("one", "two"), start=1):
        a_text(tmp_path / f"{name}.txt", ["level", name])
        project.register("demand", "lightgbm", path=tmp_path / f"{name}.txt", features={"features": ["level", name]})
        if number == 1:
            project.promote("demand", 1, force=True)
    project.set_route("demand", canary=(2, 0.1))
    project.promote("demand", 2, force=True)
    assert project.ledger.route("demand").beside == ()
    project.set_route("demand", canary=(1, 0.2))
    project.rollback("demand")
    assert project.ledger.route("demand").beside == ()
