"""Incidents: one per matter, told once, over when data says so."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.alerting.incidents import SILENT, IncidentSettings, acted, fold
from finalmile.alerting.subjects import elapsed
from finalmile.records import Alert, Finding, Incident

DAY = date(2024, 3, 1)


def day(n: int) -> date:
    return DAY + timedelta(days=n)


def bad(n: int = 0, *, subject: str = "fleet", severity: str = "critical", log_e: float = 9.0) -> Finding:
    return Finding(
        check="loss",
        subject=subject,
        at=day(n),
        value=0.9,
        benchmark=0.6,
        effect=0.5,
        log_evidence=log_e,
        breached=True,
        severity=severity,
        money_at_risk=12.5,
        why="Errors grew by half.",
    )


def fine(n: int = 0, *, subject: str = "fleet", severity: str = "info") -> Finding:
    return Finding(check="loss", subject=subject, at=day(n), value=0.6, benchmark=0.6, severity=severity)


def after(*looks: list[Finding], settings: IncidentSettings | None = None) -> tuple[list[Incident], list[Alert]]:
    """Incidents after one look a day, newest version of each, and every alert that was due."""
    known: dict[str, Incident] = {}
    alerts = []
    for n, findings in enumerate(looks):
        for incident, alert in fold(findings, list(known.values()), model="demand", at=day(n), settings=settings):
            known[incident.incident_id] = incident
            alerts += [alert] if alert else []
    return list(known.values()), alerts


def test_a_breach_opens_an_incident_and_tells_somebody() -> None:
    [incident], [alert] = after([bad()])
    assert (incident.state, incident.opened_at, incident.alerted_at) == ("open", DAY, DAY)
    assert alert.name == incident.incident_id
    assert alert.labels["money_at_risk_per_day"] == "12.50"
    assert "Errors grew by half." in alert.summary


def test_nothing_wrong_opens_nothing() -> None:
    assert fold([fine()], [], model="demand", at=DAY) == []


def test_the_same_matter_is_not_told_every_day() -> None:
    incidents, alerts = after(*[[bad(n)] for n in range(7)])
    assert len(incidents) == 1
    assert len(alerts) == 1
    _, alerts = after(*[[bad(n)] for n in range(8)])
    assert len(alerts) == 2
    assert "still open" in alerts[1].summary


def test_many_products_make_one_incident_that_names_them() -> None:
    [incident], [_] = after([bad(subject=f"product {name}", severity="warning") for name in ("b", "a", "c")])
    assert (incident.subject, incident.subjects) == ("products", ("a", "b", "c"))


def test_a_summary_speaks_for_its_products() -> None:
    summary = replace(bad(subject="products", severity="warning"), why="Two stand out.")
    [incident], _ = after([summary, bad(subject="product a", log_e=99.0), bad(subject="product b")])
    assert incident.finding.why == "Two stand out."
    assert incident.subjects == ("a", "b")


def test_products_are_fine_again_when_their_summary_says_so() -> None:
    looks = [[bad(0, subject="product a")], *[[fine(n, subject="products")] for n in (1, 2, 3)]]
    [incident], _ = after(*looks)
    assert incident.state == "resolved"


def test_an_incident_is_over_after_clean_looks_and_that_is_told() -> None:
    incidents, alerts = after([bad()], [fine(1)], [fine(2)])
    assert (incidents[0].state, incidents[0].clean_looks) == ("monitoring", 2)
    incidents, alerts = after([bad()], [fine(1)], [fine(2)], [fine(3)])
    assert incidents[0].state == "resolved"
    assert [alert.severity for alert in alerts] == ["critical", "info"]


def test_looks_without_data_do_not_count_as_clean() -> None:
    silent = replace(fine(1), value=None)
    incidents, _ = after([bad()], [silent], [silent], [silent], [])
    assert (incidents[0].state, incidents[0].clean_looks) == ("open", 0)


def test_a_warning_is_not_clean_and_opens_nothing() -> None:
    incidents, _ = after([bad()], *[[fine(n, severity="warning")] for n in range(1, 6)])
    assert incidents[0].state == "open"
    assert after([fine(severity="warning")]) == ([], [])


def test_a_breach_in_between_starts_the_count_anew() -> None:
    incidents, _ = after([bad()], [fine(1)], [fine(2)], [bad(3)], [fine(4)])
    assert (incidents[0].state, incidents[0].clean_looks) == ("monitoring", 1)


def test_a_relapse_soon_after_reopens_the_same_incident() -> None:
    looks = [[bad()], [fine(1)], [fine(2)], [fine(3)], [bad(4)]]
    incidents, alerts = after(*looks)
    assert [incident.state for incident in incidents] == ["open"]
    assert "reopened" in alerts[-1].summary


def test_a_relapse_long_after_is_an_incident_of_its_own() -> None:
    looks = [[bad()], [fine(1)], [fine(2)], [fine(3)], *[[fine(n)] for n in range(4, 20)], [bad(20)]]
    incidents, _ = after(*looks)
    assert [incident.state for incident in incidents] == ["resolved", "open"]


def test_a_matter_that_became_more_severe_is_told_at_once() -> None:
    incidents, alerts = after([bad(severity="warning")], [bad(1, severity="critical")])
    assert incidents[0].severity == "critical"
    assert len(alerts) == 2


def test_the_same_look_again_changes_nothing() -> None:
    [(opened, _)] = fold([bad()], [], model="demand", at=DAY)
    assert fold([bad()], [opened], model="demand", at=DAY) == []
    [(better, _)] = fold([fine(1)], [opened], model="demand", at=day(1))
    assert fold([fine(1)], [better], model="demand", at=day(1)) == []


def test_the_same_incident_always_has_the_same_id() -> None:
    [first], _ = after([bad()])
    [again], _ = after([bad()])
    assert first.incident_id == again.incident_id
    [(other, _)] = fold([bad()], [], model="returns", at=DAY)
    assert other.incident_id != first.incident_id


def test_another_models_incidents_are_left_alone() -> None:
    [(theirs, _)] = fold([bad()], [], model="returns", at=DAY)
    [(ours, _)] = fold([bad(1)], [theirs], model="demand", at=day(1))
    assert ours.model == "demand"
    assert ours.opened_at == day(1)


def test_what_was_done_is_kept_through_later_looks() -> None:
    [(opened, _)] = fold([bad()], [], model="demand", at=DAY)
    [(later, _)] = fold([bad(1)], [acted(opened, "Rolled back to version 1")], model="demand", at=day(1))
    assert (later.state, later.actions) == ("mitigating", ("Rolled back to version 1",))
    assert "Rolled back to version 1" in later.explain()


def test_dates_and_instants_are_compared_in_utc() -> None:
    assert elapsed(DAY, datetime(2024, 3, 1, 6, tzinfo=UTC)) == timedelta(hours=6)


def test_settings_are_checked_when_given() -> None:
    with pytest.raises(ValueError, match="clean_looks"):
        IncidentSettings(clean_looks=0)


@given(breaches=st.lists(st.booleans(), max_size=60))
def test_there_is_never_more_than_one_open_incident_of_a_matter(breaches: list[bool]) -> None:
    incidents, alerts = after(*[[bad(n) if breach else fine(n)] for n, breach in enumerate(breaches)])
    assert sum(incident.state != "resolved" for incident in incidents) <= 1
    assert bool(incidents) == any(breaches)
    assert len({alert.name for alert in alerts}) == len(incidents)


SILENT_FOUR_WEEKS = IncidentSettings(silent_days=28.0)


def test_an_incident_that_no_data_speak_of_any_more_is_closed_and_says_why() -> None:
    gone, other = "category drinks", "category bread"
    looks = [[bad(0, subject=gone), fine(0, subject=other)], *([fine(n, subject=other)] for n in range(1, 30))]
    [incident], alerts = after(*looks, settings=SILENT_FOUR_WEEKS)
    assert incident.state == "resolved"
    assert "no data of it since 2024-03-01" in incident.explain()
    assert [one.severity for one in alerts] == ["critical", "info"]
    assert incident.updated_at == day(28)


def test_an_incident_of_the_fleet_and_one_whose_check_says_nothing_stay_open_without_data() -> None:
    others = [[fine(n, subject="category bread")] for n in range(1, 60)]
    fleet, _ = after([bad(0)], *others, settings=SILENT_FOUR_WEEKS)
    silent, _ = after([bad(0, subject="category drinks")], *([] for _ in range(60)), settings=SILENT_FOUR_WEEKS)
    assert [one.state for one in (*fleet, *silent)] == ["open", "open"]


def test_a_finding_that_ends_an_alarm_for_want_of_data_closes_its_incident_at_once() -> None:
    ended = replace(fine(1, subject="input price"), unit=SILENT, value=14.0, why="No data of input price came.")
    [incident], alerts = after([bad(0, subject="input price")], [ended])
    assert incident.state == "resolved"
    assert "No data of input price came" in incident.explain()
    assert len(alerts) == 2
