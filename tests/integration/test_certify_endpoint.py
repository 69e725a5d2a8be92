"""A version behind a worker of its own, measured from outside: what its certificate says and is compared by."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from finalmile.adapters.local.private_endpoint import LocalBench
from finalmile.errors import BusyError, MissingInputError, PermanentError
from finalmile.project import Project
from finalmile.records import EndpointCertificate, Version
from finalmile.workflows.certify_endpoint import certify_endpoint
from finalmile.workflows.endpoint_trial import Effort
from finalmile.workflows.speed import benchmark_for, benchmark_of, compare_versions, compared
from finalmile.workflows.speed_reports import EndpointCertified, EndpointsCompared

NOW = datetime(2024, 1, 7, 6, 30, tzinfo=UTC)
TINY = Effort(windows=3, window_s=0.4, tries=2, rung_windows=1, rung_s=0.3, warm_s=0.2, connections=4)


def registered(project: Project, *, wrong: bool = False, trees: int = 5) -> Version:
    """A LightGBM text with its signature and golden rows, as registering keeps them."""
    import lightgbm as lgb

    chance = np.random.default_rng(trees)
    x = chance.normal(size=(300, 3))
    settings = {"objective": "poisson", "num_threads": 1, "verbosity": -1, "num_leaves": 4}
    booster = lgb.train(settings, lgb.Dataset(x, chance.poisson(2, size=300)), num_boost_round=trees)
    rows = x[:20]
    answers = booster.predict(rows).reshape(-1, 1) + (1.0 if wrong else 0.0)

    def write(folder: Path) -> None:
        (folder / "files").mkdir()
        booster.save_model(folder / "files" / "model.txt")
        told = {
            "loader": "lightgbm", "settings": {}, "takes": "rows", "trust": False, "isolated": False,
            "signature": {"features": [{"name": name} for name in ("price", "promo", "lag")], "outputs": ["mean"]},
            "golden": {"rows": rows.tolist(), "answers": answers.tolist()},
        }  # fmt: skip
        (folder / "serving.json").write_text(json.dumps(told))

    digest = project.artefacts.put(write)
    return project.ledger.new_version(
        model="demand", kind="lightgbm", digest=digest, cutoff=date(2024, 1, 1), settings={}, at=NOW, actor="t"
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.init(tmp_path / "shop")


def measured(project: Project, **given: Any) -> EndpointCertificate:
    settings = {"bench": LocalBench(), "effort": TINY, "even_if_busy": True, "target_ms": 2000.0, **given}
    return certify_endpoint(project.shop, "demand", serving=project.folder / "serving", **settings)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, EndpointCertificate]:
    """A project whose one version was measured; what changes it works on a copy."""
    project = Project.init(tmp_path_factory.mktemp("certified") / "shop")
    registered(project)
    return project, measured(project)


def test_a_version_is_measured_and_its_certificate_kept(certified: tuple[Project, EndpointCertificate]) -> None:
    project, told = certified
    assert told.passed, told.reasons
    assert project.ledger.endpoint_certificates("demand", 1)[-1].intervals.keys() == told.intervals.keys()
    assert (told.golden, told.golden_equal, told.rows, told.features) == (20, 20, 256, 3)
    assert all(len(values) == 3 for values in told.windows.values())
    centres = [told.intervals[name][0] for name in ("p50", "p90", "p99")]
    assert centres == sorted(centres)
    assert told.sustained is not None
    assert told.sustained >= told.rate
    assert told.cold_start_s is not None
    assert 0 < told.cold_start_s < 60
    assert told.memory_mb is None or told.memory_mb > 10
    assert told.cpu_us is None or told.cpu_us > 1
    assert any("weak" in label for label in told.labels)
    said = "\n".join(EndpointCertified(certificate=told).lines())
    assert "The endpoint of demand@1 passed." in said
    assert "sustained" in said


def test_the_endpoints_own_log_of_the_windows_is_kept_with_the_certificate(project: Project) -> None:
    registered(project)
    told = measured(project, rate=400.0)
    assert len(told.served["p99"]) >= 2
    assert max(told.served["p50"]) <= max(told.windows["p99"])
    assert project.ledger.endpoint_certificates("demand", 1)[-1].served["p50"] == pytest.approx(told.served["p50"])


def test_nothing_of_a_measurement_reaches_the_projects_own_log(certified: tuple[Project, EndpointCertificate]) -> None:
    project, _ = certified
    serving = project.folder / "serving"
    assert not list(serving.glob("log-*"))
    assert not list(serving.glob("*.counters"))


def test_a_version_that_its_workers_refuse_is_not_measured_and_what_they_said_is_told(project: Project) -> None:
    registered(project, wrong=True)
    with pytest.raises(PermanentError, match="golden row 0"):
        measured(project)


def test_a_target_that_no_rate_keeps_fails_the_version(project: Project) -> None:
    registered(project)
    told = measured(project, target_ms=0.001)
    assert not told.passed
    assert told.sustained is None
    assert any("no rate keeps p99" in why for why in told.reasons)


def test_a_second_version_is_certified_at_the_rate_of_the_first_and_compared_with_it(
    certified: tuple[Project, EndpointCertificate], tmp_path: Path
) -> None:
    before, first = certified[0], replace(certified[1], rate=60.0)
    shutil.copytree(before.folder, tmp_path / "shop")
    project = Project.open(tmp_path / "shop")
    project.ledger.add_endpoint_certificate(first, actor="t")
    registered(project, trees=6)
    second = measured(project)
    assert (second.number, second.rate) == (2, first.rate)
    told = compare_versions(project.shop, ("demand", 1), ("demand", 2))
    assert told.differing == ()
    assert set(told.ratios) == {"p50", "p99"}
    assert "demand@2" in "\n".join(EndpointsCompared(comparison=told).lines())


def test_figures_of_another_machine_or_rate_give_no_verdict(certified: tuple[Project, EndpointCertificate]) -> None:
    _, one = certified
    other = replace(
        one, machine="a bigger one", rate=2 * one.rate, windows={k: [9 * v for v in w] for k, w in one.windows.items()}
    )
    told = compared(one, other)
    assert told.verdict == "undecided"
    assert len(told.differing) == 2
    assert compared(one, replace(other, machine=one.machine, rate=one.rate)).verdict in ("slower", "undecided")


def test_a_version_trained_here_is_asked_about_its_series_and_must_say_what_it_forecast(project: Project) -> None:
    days = [date(2024, 1, 1) + timedelta(days=at) for at in range(60)]
    sales = pl.DataFrame({"unique_id": [one for one in "ab" for _ in days], "ds": days * 2, "y": [3, 5] * 60})
    project.ingest("sales", sales)
    project.train("demand", forecaster="window_average")
    told = measured(project, rate=40.0)
    assert told.passed, told.reasons
    assert (told.golden, told.golden_equal, told.features) == (2, 2, 0)
    assert any("few rows: 2" in label for label in told.labels)
    assert not list((project.folder / "serving").rglob("tables/*"))


def test_a_version_without_a_certificate_is_not_compared(project: Project) -> None:
    registered(project)
    with pytest.raises(MissingInputError, match=r"finalmile certify demand@1 --endpoint"):
        compare_versions(project.shop, ("demand", 1), ("demand", None))


def test_a_model_whose_callers_give_the_features_goes_live_before_there_are_sales(project: Project) -> None:
    registered(project)
    (project.folder / "serving").mkdir(exist_ok=True)
    assert project.promote("demand", force=True).live == 1


@dataclass
class Stage:
    """A machine and an endpoint whose figures are given; load is answered in a millisecond."""

    others: float = 0.0
    foreign: bool = False
    errors: dict[str, int] = field(default_factory=dict)
    clock: float = 0.0
    port: int = 1
    cold_start_s: float = 0.2

    @contextlib.contextmanager
    def endpoint(self, folder: Path, /, *, path: str, body: str) -> Generator[Stage]:
        self.board = json.loads((folder / "board.json").read_text())
        yield self

    def load(self, plan: Any, /, *, span_s: float) -> Any:
        from finalmile.serving.histogram import Histogram
        from finalmile.serving.load_plan import Loaded
        from finalmile.serving.load_profile import Window

        self.clock += span_s
        one = Window(
            seconds=plan["window_s"], rate=plan["rate"], sent=100 + sum(self.errors.values()), came=100,
            latencies=Histogram.of(np.full(100, 1000.0)), errors=self.errors,
        )  # fmt: skip
        return Loaded(windows=(one,) * plan["windows"], warm_errors={}, client_share=0.1).to_json()

    def logged(self, folder: Path, /, *, most: int) -> list[bytes]:
        return []

    def machine(self) -> str:
        return "a machine"

    def machine_cpu_s(self) -> float:
        return self.clock * self.others * __import__("os").cpu_count()

    def now_s(self) -> float:
        return self.clock

    def rest(self, seconds: float, /) -> None:
        self.clock += seconds

    def cpu_s(self) -> float:
        return 0.0

    def memory_mb(self) -> float:
        return 50.0

    def owns_its_port(self) -> bool:
        return not self.foreign

    def ask(self, path: str, body: str, /) -> tuple[int, str]:
        return 500, ""


def test_golden_outputs_that_come_back_different_fail_the_version(project: Project) -> None:
    registered(project)
    told = measured(project, bench=Stage())
    assert not told.passed
    assert "20 of 20 golden outputs came back different" in told.reasons


def test_a_busy_machine_is_refused(project: Project) -> None:
    registered(project)
    with pytest.raises(BusyError, match=r"other processes use 60%.*--even-if-busy"):
        measured(project, bench=Stage(others=0.6), even_if_busy=False)
    assert project.ledger.endpoint_certificates() == []


def test_a_machine_that_was_busy_meanwhile_labels_the_certificate(project: Project) -> None:
    registered(project)
    told = measured(project, bench=Stage(others=0.6))
    assert any("busy: other processes used" in label for label in told.labels)
    assert told.busy == pytest.approx(0.55, abs=0.06)


def test_a_slowest_thousandth_of_fewer_than_a_thousand_requests_is_not_known(project: Project) -> None:
    registered(project)
    told = measured(project, bench=Stage())
    assert "p99.9" not in told.intervals
    assert "p99.9 is not known: it takes 1,000 requests in each window, one had 100" in told.labels
    assert "  p99.9       not known" in EndpointCertified(certificate=told).lines()


@pytest.mark.parametrize("other", [{"machine": "a faster one"}, {"durable": False}])
def test_a_rate_that_was_certified_under_other_conditions_is_not_certified_again(
    project: Project, other: dict[str, Any]
) -> None:
    registered(project)
    told = measured(project, bench=Stage(), rate=77.0)
    registered(project, trees=6)
    assert measured(project, bench=Stage()).rate == 77.0
    project.ledger.add_endpoint_certificate(replace(told, number=2, rate=5000.0, **other), actor="t")
    assert measured(project, bench=Stage(), number=2).rate == 77.0


def test_every_rate_that_is_tried_is_told_with_what_came_of_it(project: Project) -> None:
    registered(project)
    steps: list[str] = []
    measured(project, bench=Stage(), progress=lambda done, total, what: steps.append(what))
    assert steps[:2] == [
        "trying 200 requests a second",
        "200 requests a second are sustained: p99 was 1.0 ms in the slowest window",
    ]
    assert steps[-2:] == ["measuring at 200 requests a second: 3 windows of 0.4 s", "measured"]


def test_one_request_without_a_right_answer_fails_the_version(project: Project) -> None:
    registered(project)
    told = measured(project, bench=Stage(errors={"timeout": 1}))
    assert not told.passed
    assert told.errors == {"timeout": 3}
    assert any("3 x timeout" in why for why in told.reasons)


def test_a_port_that_another_process_answers_too_fails_the_version(project: Project) -> None:
    registered(project)
    told = measured(project, bench=Stage(foreign=True))
    assert any("another process answers on the port" in why for why in told.reasons)


def test_only_the_version_under_test_is_served(project: Project) -> None:
    registered(project)
    registered(project, trees=6)
    stage = Stage()
    measured(project, bench=stage, number=1)
    assert [one["number"] for one in stage.board["versions"]] == [1]


def test_the_benchmark_is_its_own_certificate_else_the_version_before_else_a_similar_model(project: Project) -> None:
    ledger, stage = project.ledger, Stage()
    first, second = registered(project), registered(project, trees=6)
    assert benchmark_for(ledger, first, kind="lightgbm") is None
    measured(project, bench=stage, number=1, rate=77.0)
    own, previous = benchmark_for(ledger, first, kind="lightgbm"), benchmark_of(project.shop, second)
    assert own is not None
    assert previous is not None
    assert (own.source, own.certificate.rate) == ("own", 77.0)
    assert previous.source == "previous version"
    assert previous.why == "demand@2 has no certificate; its benchmark is that of demand@1."
    other = replace(second, model="returns", number=1)
    similar = benchmark_for(ledger, other, kind="lightgbm", features=5)
    assert similar is not None
    assert similar.source == "similar model"
    assert "with 3 features" in similar.why
    assert benchmark_for(ledger, other, kind="xgboost") is None
