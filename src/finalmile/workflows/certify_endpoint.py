"""Certify an endpoint: how fast a version answers on this machine, measured from outside on a server of its own."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from finalmile.errors import BusyError, MissingInputError
from finalmile.ports import Progress
from finalmile.records import EndpointCertificate, Version
from finalmile.serving.board import Board, Route, Served
from finalmile.serving.online import OnlineTable
from finalmile.serving.questions import Questions, of_rows, of_table
from finalmile.serving.signature import Signature
from finalmile.workflows.endpoint import served_as
from finalmile.workflows.endpoint_served import MOST_LOGGED, served_windows
from finalmile.workflows.endpoint_trial import Bench, Effort, Trial
from finalmile.workflows.endpoint_verdict import certificate_of
from finalmile.workflows.materialise import materialise
from finalmile.workflows.shop import Shop, newest_version
from finalmile.workflows.speed import declared, usual_rate

TOO_BUSY = 0.25
"""Share of the machine that others use above which nothing is measured."""


def certify_endpoint(
    shop: Shop,
    model: str,
    *,
    bench: Bench,
    serving: Path,
    number: int | None = None,
    effort: Effort | None = None,
    rate: float | None = None,
    target_ms: float = 50.0,
    even_if_busy: bool = False,
    progress: Progress | None = None,
) -> EndpointCertificate:
    """Measure a version behind workers of its own and keep the certificate.

    The rate that is certified is the one given, else that of this version or the one before under the same conditions
    (so that the two can be compared), else half of the highest rate that keeps to the target.

    Parameters
    ----------
    serving
        The project's folder of what serving keeps; read for online tables, never written to.
    target_ms
        What p99 must not exceed.
    even_if_busy
        Measure, and label, where others use more than a quarter of the machine.

    Raises
    ------
    BusyError
        If the machine is busy.
    MissingInputError
        If there is nothing to ask the version.
    """
    effort = effort or Effort()
    version = newest_version(shop, model, number)
    served = served_as(version, shop.artefacts.path(version.digest), serving)
    _check_quiet(bench, even_if_busy=even_if_busy)
    durable = shop.ledger.route(model).durable
    told = progress or _silent
    with tempfile.TemporaryDirectory(prefix="finalmile-endpoint-") as name:
        folder = Path(name)
        served, questions = _questions(shop, version, served, folder)
        Board(epoch=1, versions=(served,), routes=(_route(version, durable=durable),)).write(folder)
        with bench.endpoint(folder, path=questions.path, body=questions.bodies[0]) as endpoint:
            trial = Trial(
                bench=bench, endpoint=endpoint, questions=questions, effort=effort, target_ms=target_ms, told=told
            )
            usual = usual_rate(shop.ledger, version, machine=bench.machine(), durable=durable)
            measured = trial.run(rate or usual)
        logged = served_windows(bench.logged(folder, most=MOST_LOGGED), measured, effort)
    certificate = certificate_of(shop, version, measured, questions, effort, durable=durable, target_ms=target_ms)
    certificate = replace(certificate, served=logged)
    shop.ledger.add_endpoint_certificate(certificate, actor=shop.actor)
    return certificate


def _questions(shop: Shop, version: Version, served: Served, folder: Path) -> tuple[Served, Questions]:
    """What it is asked, and the version with the table that this needs: made in ``folder`` where there is none."""
    told = declared(Path(served.folder))
    if told.get("takes") == "rows":
        signature = Signature.from_json(told["signature"])
        questions = of_rows(version.model, signature, told.get("golden", {}), seed=version.model)
        if questions.bodies:
            return served, questions
    table = Path(served.table) if served.table is not None else materialise(shop, version, folder)
    if table is None:
        raise MissingInputError(
            f"{version} has neither golden rows nor an online table, so there is nothing to ask it. Register it again "
            "with rows that it must answer, under golden in its features file."
        )
    questions = of_table(version.model, OnlineTable.open(table), seed=version.model)
    return replace(served, table=str(table)), questions


def _check_quiet(bench: Bench, *, even_if_busy: bool) -> None:
    """Raise where others use the machine: what is measured would be theirs."""
    before, began = bench.machine_cpu_s(), bench.now_s()
    if before is None or even_if_busy:
        return
    bench.rest(1.0)
    after = bench.machine_cpu_s()
    share = 0.0 if after is None else (after - before) / (bench.now_s() - began) / (os.cpu_count() or 1)
    if share > TOO_BUSY:
        raise BusyError(
            f"other processes use {share:.0%} of this machine, and at most {TOO_BUSY:.0%} are allowed: what would be "
            "measured is how they disturb. Try when it is quiet, or measure all the same with --even-if-busy."
        )


def _route(version: Version, *, durable: bool) -> Route:
    return Route(model=version.model, live=version.number, durable=durable)


def _silent(done: int, total: int, what: str) -> None:
    del done, total, what
