"""Inputs: have the rows that the model is asked about become other rows than those it was certified on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from finalmile.errors import FinalMileError, MissingInputError
from finalmile.frames import FloatArray
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.checks.ranges import RangeCheck
from finalmile.monitoring.checks.schema import SchemaCheck, schema_of
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.records import Finding, Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.train import load_version
from finalmile.workflows.watching import profiles
from finalmile.workflows.watching.kept import begun, names_of, with_names
from finalmile.workflows.watching.rows import Columns, input_rows, look_at, looks_before, special_days
from finalmile.workflows.watching.seen import Seen, Told, state_key
from finalmile.workflows.watching.silent import ended, silenced

NAME = "input_drift"


def watch(shop: Shop, model: str, seen: Seen) -> Told:
    """Judge the rows that forecasts from this period on are made from."""
    del model
    check, key = check_of(shop), state_key(NAME, seen.version)
    rows = input_rows(load_version(shop, seen.version), seen.here)
    found = begun(
        shop, key, check=NAME, seen=seen, read=InputState.from_bytes, start=lambda: learned(shop, seen.version)
    )
    if found.state is None:
        return Told(findings=found.findings)
    names = names_of(shop, key, fresh=lambda: special_days(seen.panel), begun=found)
    silent = silenced(shop, key, quiet=_quiet(found.state, rows))
    state = check.acknowledge(found.state, silent.over)
    state, findings = check.update(state, look_at(seen.panel, seen.column, rows, names=names))
    findings = ended(findings, checks=(NAME,), over=silent.over, seen=seen)
    told = (*found.findings, *findings, *_beside(shop, seen, rows))
    return Told(findings=harmless(told), states={**with_names(key, state.to_bytes(), names), **silent.states})


def _quiet(state: InputState, rows: Columns) -> list[str]:
    """Columns in alarm that this look has no value of."""
    alarmed = [state.columns[group - 1].name for group in np.flatnonzero(state.alarm >= 0).tolist() if group]
    return [f"input {name}" for name in alarmed if name not in rows or not _known(rows[name])]


def _known(values: FloatArray | pl.Series) -> bool:
    if isinstance(values, pl.Series):
        return values.null_count() < len(values)
    return bool(np.isfinite(values).any())


def learned(shop: Shop, version: Version) -> InputState:
    """What is normal of a version's inputs, from the cutoffs before it; its profile is kept too.

    Raises
    ------
    MissingInputError
        Too few cutoffs.
    """
    panel = shop.known.panel(shop.frequency.index_of(version.cutoff))
    looks = looks_before(load_version(shop, version), panel)
    if not looks:
        raise MissingInputError(f"nothing is known of the time before {version}")
    profile = profiles.read(shop, version)
    if profile is None:
        profile = profiles.profiled(looks)
        profiles.keep(shop, version, profile)
    references = dict(profiles.known(profile).references)
    return check_of(shop).start(InputReference.of(looks, references, frequency=shop.frequency))


def certified(shop: Shop, version: Version) -> None:
    """Learn at certification what is normal, so that the first look need not.

    What cannot be learned, because too little is known or a model's function for features fails, waits for the look.
    """
    key = state_key(NAME, version)
    if shop.ledger.load_state(key) is not None:
        return
    try:
        state = learned(shop, version)
    except FinalMileError:
        return
    names = special_days(shop.known.panel(shop.frequency.index_of(version.cutoff), periods=1))
    for name, blob in with_names(key, state.to_bytes(), names).items():
        shop.ledger.save_state(name, blob)


def harmless(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Breaches as warnings: other rows harm nobody by themselves, and whether they do is told by the loss."""
    return tuple(
        replace(one, severity="warning") if one.severity == "critical" and one.check.endswith("drift") else one
        for one in findings
    )


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence against columns of a version start anew."""
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        shop.ledger.save_state(key, check_of(shop).acknowledge(InputState.from_bytes(blob), subjects).to_bytes())


def check_of(shop: Shop) -> InputDriftCheck:
    """The check with this project's settings."""
    rules = shop.config.monitor
    return InputDriftCheck(arl=rules.arl, warning_arl=rules.warning_arl)


def _beside(shop: Shop, seen: Seen, rows: Columns) -> Sequence[Finding]:
    """Columns that are gone or of another type, and values that cannot be, against the profile."""
    profile, at = profiles.read(shop, seen.version), shop.day(seen.period)
    if profile is None:
        return ()
    known = profiles.known(profile)
    schema = SchemaCheck().compare(known.schema, schema_of(rows), subject="inputs", at=at)
    return [*schema, *RangeCheck().compare(known.references, rows, at=at)]
