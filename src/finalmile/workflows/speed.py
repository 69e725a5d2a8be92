"""Speed of versions: which certificate one is judged by, and how two compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from finalmile.errors import MissingInputError
from finalmile.ports import Ledger
from finalmile.records import EndpointCertificate, Version
from finalmile.serving.endpoint_certificate import DECIDING, Ratio, Verdict, compare, overall
from finalmile.workflows.shop import Shop, newest_version

DECLARED = "serving.json"
Source = Literal["own", "previous version", "similar model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What a version's speed is judged by, and where it comes from."""

    certificate: EndpointCertificate
    source: Source
    why: str


def declared(artefact: Path, /) -> Mapping[str, Any]:
    """What was kept beside a registered model; nothing of one that was trained here."""
    path = artefact / DECLARED
    told: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {}
    return told


def kind_of(version: Version, artefact: Path, /) -> str:
    """What makes another model similar: its loader where it was registered, else its recipe."""
    return str(declared(artefact).get("loader", version.kind))


def benchmark_of(shop: Shop, version: Version, /) -> Benchmark | None:
    """What a version is judged by, told by what its artefact says of it; see :func:`benchmark_for`."""
    artefact = shop.artefacts.path(version.digest)
    signature = declared(artefact).get("signature", {})
    features = len(signature["features"]) if signature.get("features") else None
    return benchmark_for(shop.ledger, version, kind=kind_of(version, artefact), features=features)


def benchmark_for(ledger: Ledger, version: Version, *, kind: str, features: int | None = None) -> Benchmark | None:
    """The certificate that operations judge a version by; ``None`` where there is none at all.

    Its own newest one; else that of the version before it, or of the nearest one after it where none before has any;
    else that of the model of the same kind whose number of features is nearest, which is a guess and says so.

    Parameters
    ----------
    kind
        Its loader or recipe; see :func:`kind_of`.
    features
        Features of a row of this version; without it any model of the same kind is as near as another.
    """
    known = ledger.endpoint_certificates()
    mine = [one for one in known if one.model == version.model]
    own = [one for one in mine if one.number == version.number]
    if own:
        return Benchmark(certificate=own[-1], source="own", why=f"{version} has a certificate of its own.")
    if mine:
        return _previous(version, mine)
    return _similar(version, [one for one in known if one.kind == kind], features)


def usual_rate(ledger: Ledger, version: Version, /, *, machine: str, durable: bool) -> float | None:
    """The rate that this version, else the one before it, was certified at under the same conditions.

    Only at the rate of a certificate that was made on this machine, and waited for the disk or not as now, can two
    versions be compared; at that of another one a version may be asked for more than the machine can do.
    """
    known = ledger.endpoint_certificates(version.model)
    alike = [one for one in known if (one.machine, one.durable) == (machine, durable)]
    own = [one for one in alike if one.number == version.number]
    if own:
        return own[-1].rate
    return _previous(version, alike).certificate.rate if alike else None


def _previous(version: Version, mine: list[EndpointCertificate]) -> Benchmark:
    earlier = [one for one in mine if one.number < version.number]
    number = max(one.number for one in earlier) if earlier else min(one.number for one in mine)
    newest = [one for one in mine if one.number == number][-1]
    return Benchmark(
        certificate=newest,
        source="previous version",
        why=f"{version} has no certificate; its benchmark is that of {newest}.",
    )


def _similar(version: Version, alike: list[EndpointCertificate], features: int | None) -> Benchmark | None:
    if not alike:
        return None
    nearest = min(abs(one.features - (features or one.features)) for one in alike)
    chosen = [one for one in alike if abs(one.features - (features or one.features)) == nearest][-1]
    return Benchmark(
        certificate=chosen,
        source="similar model",
        why=f"no version of {version.model} has a certificate; its benchmark is that of {chosen}, also {chosen.kind}, "
        f"with {chosen.features} features. Certify it to judge it by its own.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two certificates, and what may be concluded about the second.

    Parameters
    ----------
    ratios
        Second over first for each quantile that decides.
    differing
        Conditions that were not the same, one sentence each; with any of them nothing is concluded.
    """

    first: EndpointCertificate
    second: EndpointCertificate
    ratios: dict[str, Ratio]
    verdict: Verdict
    differing: tuple[str, ...] = ()


def compared(first: EndpointCertificate, second: EndpointCertificate, /) -> Comparison:
    """Whether the second answers slower than the first, with windows as the unit.

    Figures of another machine or at another rate show that difference and not the versions'.
    """
    ratios = {name: compare(first.windows[name], second.windows[name]) for name in DECIDING}
    differing = tuple(
        f"{what} differs: {one} and {other}"
        for what, one, other in (
            ("the machine", first.machine, second.machine),
            ("the rate", f"{first.rate:g}/s", f"{second.rate:g}/s"),
            ("the number of connections", first.connections, second.connections),
            ("the length of a window", f"{first.window_s:g} s", f"{second.window_s:g} s"),
            ("waiting for the disk", first.durable, second.durable),
        )
        if one != other
    )
    verdict = "undecided" if differing else overall(ratios)
    return Comparison(first=first, second=second, ratios=ratios, verdict=verdict, differing=differing)


def compare_versions(shop: Shop, first: tuple[str, int | None], second: tuple[str, int | None]) -> Comparison:
    """The newest endpoint certificates of two versions, beside each other.

    Raises
    ------
    MissingInputError
        If one has none.
    """
    return compared(_newest(shop, *first), _newest(shop, *second))


def _newest(shop: Shop, model: str, number: int | None) -> EndpointCertificate:
    version = newest_version(shop, model, number)
    found = shop.ledger.endpoint_certificates(version.model, version.number)
    if not found:
        raise MissingInputError(
            f"{version} has no endpoint certificate. Measure it: finalmile certify {version} --endpoint"
        )
    return found[-1]
