"""A certificate in sentences."""

from datetime import UTC, date, datetime

import pytest

from finalmile.cli.judged import JudgedReport
from finalmile.records import Certificate
from finalmile.workflows.version_reports import Certified


def told(coverage, *, rmse=2.0):
    certificate = Certificate(
        model="demand", number=1, issued_at=datetime(2026, 1, 1, tzinfo=UTC), holdout_from=date(2025, 12, 1),
        holdout_to=date(2025, 12, 28), metrics={"wape": 0.2, "bias": -0.01, "rmse": rmse, "fva": 0.1},
        baseline={"wape": 0.3, "bias": 0.1, "rmse": 2.5}, coverage=coverage, passed=True, reasons=(),
    )  # fmt: skip
    return JudgedReport(Certified(certificate=certificate)).lines()


def test_a_version_that_is_better_throughout_passes_without_reserve():
    assert told({"0.98": 0.97, "0.98 class 0": 0.95})[:2][1].startswith("Judged on")


@pytest.mark.parametrize(
    ("coverage", "rmse", "said"),
    [
        ({"0.98": 0.97}, 3.0, "Though the baseline is better by rmse."),
        (
            {"0.98": 0.97, "0.98 class 3": 0.42},
            2.0,
            "Though demand of class 3 stayed within the quantile in 42% of spans, not 0.98.",
        ),
    ],
)
def test_what_a_version_that_passed_is_not_good_at_is_told_beside_it(coverage, rmse, said):
    assert told(coverage, rmse=rmse)[:2] == ["demand@1 passed.", said]
