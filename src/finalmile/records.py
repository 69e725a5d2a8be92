"""What flows between stages: small, frozen, serialisable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Json = Mapping[str, object]
Severity = Literal["info", "warning", "critical"]
IncidentState = Literal["open", "acknowledged", "mitigating", "monitoring", "resolved"]
VersionState = Literal["trained", "certified", "stable", "retired", "rolled_back", "quarantined"]
Role = Literal["viewer", "planner", "operator", "admin"]
OrderState = Literal["proposed", "approved", "sent", "acknowledged", "received", "cancelled", "late"]

ORDER_MOVES: Mapping[OrderState, tuple[OrderState, ...]] = {
    "proposed": ("approved", "cancelled"),
    "approved": ("sent", "received", "cancelled"),
    "sent": ("acknowledged", "late", "received", "cancelled"),
    "acknowledged": ("late", "received", "cancelled"),
    "late": ("acknowledged", "received", "cancelled"),
    "received": ("sent",),
    "cancelled": (),
}
"""Where a line may go next. Goods that came were sent, however; a corrected receipt opens its line again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a monitor measured, beside what it was compared with.

    Parameters
    ----------
    check
        Name of the check, for example ``"loss"``.
    subject
        What was looked at: ``"fleet"``, ``"product FOODS_1"``, ``"demand@3"``.
    value, benchmark
        The measured figure and what it was compared with, both in ``unit``; ``None`` where the check could not run.
    effect
        How far off, relative to the benchmark: 0.25 is a quarter worse.
    log_evidence
        Natural logarithm of the e-value, ``None`` for checks that carry none.
    threshold
        ``log_evidence`` at or above this breaches.
    n
        Rows or looks behind the value.
    since
        First period of the stretch the evidence comes from.
    money_at_risk
        Expected cost per day of doing nothing, in the project's currency; ``None`` where unknown.
    """

    check: str
    subject: str
    at: date | datetime
    value: float | None
    benchmark: float | None
    effect: float | None = None
    unit: str = ""
    log_evidence: float | None = None
    threshold: float | None = None
    n: int = 0
    since: date | datetime | None = None
    breached: bool = False
    severity: Severity = "info"
    money_at_risk: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A finding that somebody should hear of."""

    name: str
    severity: Severity
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    runbook: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that went wrong, from the first alarm until it is over.

    Parameters
    ----------
    finding
        The newest breached finding; the last one before recovery once it is over.
    actions
        What was done about it, one sentence each, oldest first.
    subjects
        Members of a grouped incident, for example the products of ``"products"``.
    clean_looks
        Looks with data and without a breach in a row.
    alerted_at
        When somebody was last told.
    """

    incident_id: str
    model: str
    check: str
    subject: str
    severity: Severity
    state: IncidentState
    opened_at: date | datetime
    updated_at: date | datetime
    finding: Finding
    actions: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    clean_looks: int = 0
    alerted_at: date | datetime | None = None

    def explain(self) -> str:
        """The incident in a sentence or two, for people, with what was done."""
        done = f" Done: {'; '.join(self.actions)}." if self.actions else ""
        return f"{self.found}{done}"

    @property
    def found(self) -> str:
        """What was found, in a sentence or two."""
        effect = "" if self.finding.effect is None else f" ({self.finding.effect:+.0%} against its benchmark)"
        return f"{self.severity}: {self.check} of {self.subject} since {self.opened_at}{effect}. {self.finding.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookKept:
    """Everything that one look of monitoring leaves behind, which is kept together or not at all.

    Parameters
    ----------
    run
        What the findings are kept under, once; ``None`` where none are to be kept.
    incidents
        Those that changed, each with the alert that is due.
    states
        Evidence by key, and up to where was judged.
    ended
        Pieces of work that are over, by kind and key.
    forgotten
        Keys of states that are of no use any more.
    """

    run: str | None = None
    findings: tuple[Finding, ...] = ()
    incidents: tuple[tuple[Incident, Alert | None], ...] = ()
    states: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    ended: Mapping[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    forgotten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One trained (or ready-made) model: a number under a name, and the digest of its artefact."""

    model: str
    number: int
    kind: str
    digest: str
    cutoff: date | datetime
    created_at: datetime
    state: VersionState = "trained"
    settings: Json = field(default_factory=dict[str, object])

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a version achieved on data it had not seen.

    Parameters
    ----------
    metrics
        Metric name to value on the holdout, for the version.
    baseline
        The same metrics for the cheap baseline it must beat.
    coverage
        Nominal level to share of windows covered, and per volume class under ``"0.98 class 4"``.
    passed, reasons
        Verdict, and one sentence for each rule that failed.
    """

    model: str
    number: int
    issued_at: datetime
    holdout_from: date | datetime
    holdout_to: date | datetime
    metrics: Mapping[str, float | None]
    baseline: Mapping[str, float | None]
    coverage: Mapping[str, float | None]
    passed: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCertificate:
    """How fast a version answered on one machine: what operations are judged by. Latencies are milliseconds.

    Parameters
    ----------
    digest, rows_digest
        Of the artefact, and of the request rows.
    kind, features
        Recipe or loader, and how many features a row has: what makes another model similar.
    machine
        Processor, cores and memory it was measured on; figures of another machine say little.
    rate, connections, window_s
        Requests a second that were due in each window, over how many connections, and its length.
    windows
        ``"p50"``, ``"p90"``, ``"p99"`` and ``"p99.9"``, one figure for each window: the unit of every comparison.
    intervals
        For each of them centre, low and high: where the same figure of one more window is to be expected. None for
        p99.9 where a window had too few requests to know it.
    level
        Of those intervals.
    sustained
        Highest rate whose p99 stayed at or under ``target_ms`` in every window; ``None`` where none did.
    stopped
        Why the search for it ended; after ``"the client is the limit"`` it is a lower bound.
    ladder
        Each rate that was tried: rate, slowest p99 of its windows, requests without a right answer.
    errors
        Requests without a right answer in the windows, by kind.
    memory_mb, cpu_us, cold_start_s
        Proportional share of memory of all processes of the endpoint after the load, processor time of a request, and
        seconds from starting the processes to the first answer. ``None`` where this machine cannot tell.
    golden, golden_equal
        Outputs kept beside the model that were asked again through the endpoint, and how many came back equal.
    served
        ``"p50"`` and ``"p99"`` of each window as the endpoint's own log has them, without waiting for the log and the
        way to the client: what its log is held against later. Empty in certificates from before it was kept.
    metrics, coverage
        Of the version's accuracy certificate; empty without one.
    busy
        Share of the machine's processor time that others used meanwhile, in [0, 1]; ``None`` where it cannot tell.
    labels
        What weakens it, one sentence each: few windows, a busy machine.
    passed, reasons
        Verdict, and one sentence for each rule that failed.
    """

    model: str
    number: int
    issued_at: datetime
    digest: str
    kind: str
    features: int
    machine: str
    rows: int
    rows_digest: str
    durable: bool
    rate: float
    connections: int
    window_s: float
    requests: int
    windows: Mapping[str, Sequence[float]]
    intervals: Mapping[str, Sequence[float]]
    level: float
    target_ms: float
    sustained: float | None
    stopped: str
    passed: bool
    ladder: Sequence[Sequence[float]] = ()
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    memory_mb: float | None = None
    cpu_us: float | None = None
    cold_start_s: float | None = None
    golden: int = 0
    golden_equal: int = 0
    served: Mapping[str, Sequence[float]] = field(default_factory=dict[str, Sequence[float]])
    metrics: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    coverage: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    busy: float | None = None
    labels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Which version of a model is live, which was before, and the token that guards the change."""

    model: str
    live: int
    previous: int | None
    token: int
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as the ledger knows it: the sha256 of its secret, never the secret.

    Parameters
    ----------
    prefix
        What it is called by in lists, logs and the audit trail; the first part of the key.
    role
        What its holder may do.
    models
        Models it reaches; every one where none is named.
    expires_at, revoked_at
        From when it opens nothing any more.
    last_used_at
        Newest use that was noted; uses within a minute of it are not.
    """

    prefix: str
    sha256: str
    role: Role
    name: str
    created_at: datetime
    models: tuple[str, ...] = ()
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def usable(self, at: datetime) -> bool:
        """Whether it opens anything at an instant."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A version that answers a part of the traffic, in [0, 1], beside the live one."""

    number: int
    share: float
    role: Literal["canary", "arm"] = "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRule:
    """How a model's requests are answered, beside which version is live.

    Parameters
    ----------
    beside
        Canary and A/B versions with their shares; the live one answers the rest.
    shadow
        Version whose answers to logged requests are compared with those given, off the path of the request.
    durable
        Answer only after the prediction is on disk.
    deadline_ms
        Milliseconds a version has to answer before the last good one does.
    """

    model: str
    beside: tuple[Beside, ...] = ()
    shadow: int | None = None
    durable: bool = True
    deadline_ms: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a response decided to do; ``workflows.respond`` carries it out.

    Parameters
    ----------
    action
        Registered name: ``"rollback"``, ``"fallback"``, ``"retrain"``, ``"escalate"``.
    model, to_version
        What it is done to; ``to_version`` for a rollback or fallback.
    why, undo
        One sentence each.
    """

    action: str
    model: str
    why: str
    undo: str
    to_version: int | None = None
    settings: Json = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of a purchase order, with every number its quantity came from."""

    order_id: str
    line_id: str
    supplier: str
    unique_id: str
    quantity: int
    unit_cost: float | None
    currency: str
    ordered_at: date | datetime
    due: date | datetime
    state: OrderState = "proposed"
    assumed: bool = False
    reason: Json = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """What is to become of an order line; what is ``None`` stays.

    Parameters
    ----------
    allowed
        States in which the line may be changed so; in any other it is refused, and all changes told with it.
    note
        Added to the line's reason.
    """

    line_id: str
    allowed: tuple[OrderState, ...]
    state: OrderState | None = None
    quantity: int | None = None
    due: date | datetime | None = None
    note: Json = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its confidence interval; ``None`` bounds where it cannot be given, and then ``why`` says so."""

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    n_blocks: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Who did what to which thing, when; a row of the hash chain."""

    sequence: int
    at: datetime
    actor: str
    verb: str
    subject: str
    body: Json
    digest: str
