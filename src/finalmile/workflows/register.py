"""Register: a model made elsewhere becomes a version, after it has shown in a sandbox what it does."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from datetime import date
from pathlib import Path

from finalmile.errors import CorruptError, MissingInputError, SchemaError
from finalmile.forecasters.loaders.contract import Loader, Rows
from finalmile.forecasters.loaders.kept import CODE, FILES, Kept
from finalmile.forecasters.loaders.lightgbm import named_otherwise, same_as_package
from finalmile.forecasters.loaders.opening import source_digest
from finalmile.forecasters.registered import KIND, Registered, calibrated
from finalmile.ports import Fitted
from finalmile.records import Version
from finalmile.serving.golden import array, check_golden, probe_rows
from finalmile.serving.sandbox import Terms, Tried, try_rows
from finalmile.serving.signature import Signature
from finalmile.workflows.offer import Offer, Registration
from finalmile.workflows.shop import Shop
from finalmile.workflows.train import sales_at

GOLDEN = 16
ANEW = ("statsforecast", "statsforecast_saved", "callable")
"""Loaders whose models of sales learn from nothing but the sales they are given."""


def register(shop: Shop, model: str, offer: Offer, /, *, terms: Terms | None = None) -> Registration:
    """Make a version of a model made elsewhere; nothing is kept of one that does not do as it must.

    Raises
    ------
    ConfigError
        The offer does not fit its loader, or trust is missing.
    MissingInputError
        A file, a feature or, for a model of sales, the sales are missing.
    ModelFaultError
        The model does not load or answer as it must; says what it did.
    """
    loader = offer.made()
    with tempfile.TemporaryDirectory(prefix="finalmile-register-") as scratch:
        folder = Path(scratch)
        kept = _collected(offer, loader, folder)
        tried: Tried | None = None
        if kept.takes == "rows":
            kept, tried = _tried(kept, offer, folder, terms)
        fitted, notes = _fitted(shop, kept, offer, folder)
        digest = shop.artefacts.put(lambda final: _write(folder, fitted, final))
    before = shop.ledger.versions(model)
    version = _version(shop, model, digest, offer, kept)
    if tried is not None and shop.ledger.run_done("sandbox", str(version)) is None:
        shop.ledger.finish_run("sandbox", str(version), tried.to_json(), at=shop.clock.now())
    notes = (*notes, *(tried.notes if tried else ()))
    again = version.number in {one.number for one in before}
    return Registration(version=version, tried=tried, notes=notes, judged=fitted is not None, again=again)


def judge_of(shop: Shop, version: Version, /, *, at: int) -> Fitted:
    """A registered version as it would have been calibrated at an earlier cutoff.

    Raises
    ------
    MissingInputError
        It has learned from what came after that cutoff, so that nothing could be judged.
    """
    told = version.settings.get("trained_until")
    until = None if told is None else shop.frequency.index_of(date.fromisoformat(str(told)))
    if until is not None and until > at:
        raise MissingInputError(
            f"{version} has learned from sales up to {told} and would be judged from {shop.day(at)} on, days it has "
            "seen. Register it with --trained-until, or certify it when enough has been sold since"
        )
    return calibrated(Registered(shop.artefacts.path(version.digest)), sales_at(shop, at), trained_until=until)


def _collected(offer: Offer, loader: Loader, folder: Path) -> Kept:
    (folder / FILES).mkdir()
    code = offer.code or (offer.path if offer.loader == "callable" else None)
    if code is not None:
        _copy_code(code, folder / CODE)
    loader.collect(offer.path, folder / FILES)
    declaration = offer.declaration
    if declaration is not None and offer.loader == "lightgbm":
        _check_names(folder / FILES, declaration.signature)
    made_by = declaration.made_by if declaration else None
    places = [place for place in (offer.settings.get("function"), made_by) if isinstance(place, str)]
    token = offer.settings.get("token_from")
    kept = Kept(
        loader=offer.loader,
        settings=offer.settings,
        takes="sales" if declaration is None else "rows",
        signature={"features": [], "outputs": ["mean"]} if declaration is None else declaration.signature.to_json(),
        made_by=made_by,
        trust=offer.trust,
        code={} if code is not None else _code_of(places),
        secrets=(token,) if isinstance(token, str) and token else (),
    )
    kept.write(folder)
    return kept


def _check_names(files: Path, signature: Signature) -> None:
    """Refuse features that a LightGBM text names otherwise: in another order every answer would be quietly wrong."""
    wrong = named_otherwise(files, signature.outputs, signature.names)
    if wrong:
        raise SchemaError("declared features", [wrong])


def _copy_code(code: Path, folder: Path) -> None:
    if not code.exists():
        raise MissingInputError(f"{code} is not there; name the source file or the package's folder")
    folder.mkdir()
    if code.is_dir():
        shutil.copytree(code, folder / code.resolve().name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    else:
        shutil.copyfile(code, folder / code.name)


def _code_of(places: list[str]) -> dict[str, str]:
    modules = {place.partition(":")[0].partition(".")[0] for place in places}
    found = {module: source_digest(module) for module in sorted(modules)}
    return {module: digest for module, digest in found.items() if digest is not None}


def _tried(kept: Kept, offer: Offer, folder: Path, terms: Terms | None) -> tuple[Kept, Tried]:
    assert offer.declaration is not None
    rows = probe_rows(offer.declaration.signature)
    given = offer.declaration.golden
    if given is not None:
        rows = array([*given["rows"], *rows.tolist()])
    answers, tried = try_rows(folder, rows, terms=terms)
    if not kept.isolated and not same_as_package(folder / FILES, kept.outputs, rows, answers):
        raise CorruptError("LightGBM's single-row answers differ from Booster.predict; report the versions installed")
    count = GOLDEN if given is None else len(given["rows"])
    golden = {"rows": rows[:count].tolist(), "answers": answers[:count].tolist()}
    kept = dataclasses.replace(kept, golden=golden)
    if given is not None:
        check_golden(_Answered(answers[:count]), dataclasses.replace(kept, golden=given), exact=False)
    kept.write(folder)
    return kept, tried


class _Answered:
    """Answers that were given already, for a comparison."""

    def __init__(self, answers: Rows) -> None:
        self._answers = answers

    def rows(self, features: Rows, /) -> Rows:
        del features
        return self._answers

    def close(self) -> None:
        pass


def _fitted(shop: Shop, kept: Kept, offer: Offer, folder: Path) -> tuple[Fitted | None, tuple[str, ...]]:
    if kept.takes == "rows" and kept.made_by is None:
        return None, ("It answers rows whose features are given; without made_by it forecasts nothing by itself.",)
    model = Registered(folder)
    try:
        fitted = calibrated(model, sales_at(shop, shop.known.newest), trained_until=_until(shop, kept, offer))
    finally:
        model.close()
    return fitted, fitted.notes


def _until(shop: Shop, kept: Kept, offer: Offer) -> int | None:
    """Last period that the model has learned from: everything known, where nobody says."""
    if offer.trained_until is not None:
        return shop.frequency.index_of(offer.trained_until)
    return None if kept.takes == "sales" and kept.loader in ANEW else shop.known.newest


def _write(folder: Path, fitted: Fitted | None, final: Path) -> None:
    if fitted is not None:
        fitted.save(final)
        return
    shutil.copytree(folder, final, dirs_exist_ok=True)


def _version(shop: Shop, model: str, digest: str, offer: Offer, kept: Kept) -> Version:
    now = shop.clock.now()
    try:
        newest = shop.known.newest
        cutoff, until = shop.day(newest), _until(shop, kept, offer)
    except MissingInputError:
        cutoff, until = now.date(), None
    settings: dict[str, object] = {"loader": offer.loader, "takes": kept.takes, "trust": offer.trust}
    if until is not None:
        settings["trained_until"] = str(shop.day(until))
    return shop.ledger.new_version(
        model=model, kind=KIND, digest=digest, cutoff=cutoff, settings=settings, at=now, actor=shop.actor
    )
