"""Register: a model made elsewhere becomes a version, after it has shown in a sandbox what it does."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from finalmile.errors import ConfigError, CorruptError, MissingInputError, SchemaError
from finalmile.forecasters.loaders.contract import Loader, Rows, loaders
from finalmile.forecasters.loaders.kept import CODE, FILES, Kept
from finalmile.forecasters.loaders.lightgbm import named_otherwise, same_as_package
from finalmile.forecasters.loaders.opening import source_digest
from finalmile.forecasters.registered import KIND, Registered, calibrated
from finalmile.ports import Fitted
from finalmile.records import Json, Version
from finalmile.serving.golden import array, check_golden, probe_rows
from finalmile.serving.sandbox import Terms, Tried, try_rows
from finalmile.serving.signature import Signature
from finalmile.workflows.declaration import Declaration
from finalmile.workflows.shop import Shop
from finalmile.workflows.train import sales_at

GOLDEN = 16
ANEW = ("statsforecast", "statsforecast_saved", "callable")
"""Loaders whose models of sales learn from nothing but the sales they are given."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A model as its owner offers it.

    Parameters
    ----------
    loader, settings
        Name in the registry of loaders, and its settings.
    path
        The model's file or folder; for ``callable`` its source.
    code
        Source file or package that the model or its feature function needs, kept with the version.
    declaration
        Features; without one the model takes sales.
    trained_until
        Last day that it has learned from.
    """

    loader: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    path: Path | None = None
    code: Path | None = None
    declaration: Declaration | None = None
    trust: bool = False
    trained_until: date | None = None

    def made(self) -> Loader:
        """Its loader.

        Raises
        ------
        ConfigError
            Features are missing or too many, or it would unpickle and is not trusted.
        """
        loader, name = loaders.make(self.loader, **dict(self.settings)), f"loader {self.loader}"
        if loader.unpickles and not self.trust:
            mend = "loading it runs whatever code its files hold; add --trust if you trust where they are from"
            raise ConfigError(name, [mend])
        if loader.takes == "rows" and self.declaration is None:
            raise ConfigError(name, ["it answers rows: declare its features in a file and name that with --features"])
        if loader.takes == "sales" and self.declaration is not None:
            raise ConfigError(name, ["it answers from sales and has no features to declare; leave --features out"])
        return loader


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A new version, and what it showed.

    Parameters
    ----------
    tried
        ``None`` for a model of sales.
    judged
        Whether it forecasts by itself, so that sales can tell how good it is.
    again
        Whether it was a version before: the same files and declarations make no new one.
    """

    version: Version
    tried: Tried | None
    notes: tuple[str, ...] = ()
    judged: bool = True
    again: bool = False
    breached: bool = False

    def lines(self) -> list[str]:
        """What was registered, what it showed, and what to do next."""
        tried, version = self.tried, self.version
        shown = [] if tried is None else [_shown(tried)]
        since = f" already, since {version.created_at:%Y-%m-%d %H:%M} UTC, just as it is" if self.again else ""
        return [f"{version} is registered{since}.", *shown, *self.notes, *self._next()]

    def _next(self) -> list[str]:
        model = self.version.model
        if self.judged:
            return [f"Next: finalmile certify {model}"]
        return [
            f"Next: finalmile certify {model} --endpoint, or let it answer unjudged: finalmile promote {model} --force"
        ]

    def to_dict(self) -> Json:
        """Version, whether it was there before, sandbox, notes."""
        tried = None if self.tried is None else self.tried.to_json()
        return {
            "version": dataclasses.asdict(self.version),
            "again": self.again,
            "sandbox": tried,
            "notes": list(self.notes),
        }


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


def _shown(tried: Tried) -> str:
    return (
        f"In its sandbox it loaded in {tried.load_seconds:.1f} s, holds {tried.memory_mb:.0f} MB and answers a row in "
        f"{tried.row_us:.0f} us."
    )
