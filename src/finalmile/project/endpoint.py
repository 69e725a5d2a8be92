"""The endpoint of a project: how fast it answers, who may ask, which versions answer, and from what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from finalmile.errors import UnknownNameError
from finalmile.ports import Progress
from finalmile.project.core import DEFAULT_MODEL, Core
from finalmile.records import Version
from finalmile.workflows.endpoint import SERVING
from finalmile.workflows.shop import check_model, live_version, newest_version

if TYPE_CHECKING:
    from finalmile.forecasters.isolation import Process
    from finalmile.workflows import keys as api_keys
    from finalmile.workflows import rescore as rescoring
    from finalmile.workflows import routes as traffic
    from finalmile.workflows import speed
    from finalmile.workflows.speed_reports import EndpointCertified, EndpointsCompared


class Endpoint(Core):
    """What is measured and decided about serving."""

    def certify_endpoint(
        self,
        model: str = DEFAULT_MODEL,
        number: int | None = None,
        *,
        quick: bool = False,
        rate: float | None = None,
        target_ms: float = 50.0,
        even_if_busy: bool = False,
        progress: Progress | None = None,
    ) -> EndpointCertified:
        """Measure how fast a version answers on this machine, on a server of its own, and keep the certificate.

        Takes about eight minutes, ``quick`` about three; see :mod:`finalmile.workflows.certify_endpoint`.
        """
        from finalmile.adapters.local.private_endpoint import LocalBench
        from finalmile.workflows import certify_endpoint
        from finalmile.workflows.endpoint_trial import Effort
        from finalmile.workflows.speed_reports import EndpointCertified

        certificate = certify_endpoint.certify_endpoint(
            self.shop,
            model,
            bench=LocalBench(),
            serving=self.folder / SERVING,
            number=number,
            effort=Effort.quick() if quick else Effort(),
            rate=rate,
            target_ms=target_ms,
            even_if_busy=even_if_busy,
            progress=progress,
        )
        return EndpointCertified(certificate=certificate)

    def compare_endpoints(self, first: tuple[str, int | None], second: tuple[str, int | None]) -> EndpointsCompared:
        """Whether the second version answers slower than the first, by their newest endpoint certificates."""
        from finalmile.workflows import speed
        from finalmile.workflows.speed_reports import EndpointsCompared

        return EndpointsCompared(comparison=speed.compare_versions(self.shop, first, second))

    def endpoint_benchmark(self, model: str = DEFAULT_MODEL, number: int | None = None) -> speed.Benchmark | None:
        """What a version's speed is judged by: its own certificate, the previous version's, or a similar model's."""
        from finalmile.workflows import speed

        return speed.benchmark_of(self.shop, newest_version(self.shop, model, number))

    def keys(self) -> api_keys.Keys:
        """What is kept of every API key."""
        from finalmile.workflows import keys as api_keys

        return api_keys.Keys(rows=self.ledger.keys(), now=self.clock.now())

    def create_key(
        self, name: str, *, role: str = "viewer", lasts: timedelta | None = None, models: Sequence[str] = ()
    ) -> api_keys.NewKey:
        """A new API key; its secret is in what comes back and nowhere else."""
        from finalmile.workflows import keys as api_keys

        for model in models:
            check_model(self.ledger, model, also=self.config.models)
        return api_keys.create(
            self.ledger, name, role=role, now=self.clock.now(), actor=self.actor, lasts=lasts, models=models
        )

    def revoke_key(self, prefix: str) -> api_keys.Keys:
        """End an API key at once."""
        from finalmile.workflows import keys as api_keys

        return api_keys.revoke(self.ledger, prefix, now=self.clock.now(), actor=self.actor)

    def routes(self, model: str | None = None) -> traffic.RoutesReport:
        """Which versions answer a model's requests, and for how much of the traffic."""
        from finalmile.workflows import routes as traffic

        known = sorted({version.model for version in self.ledger.versions()})
        if model is not None and model not in known:
            raise UnknownNameError("model", model, known)
        return traffic.show(self.shop, known if model is None else [model])

    def set_route(
        self,
        model: str = DEFAULT_MODEL,
        *,
        canary: tuple[int, float] | None = None,
        arms: Mapping[int, float] | None = None,
        shadow: int | None = None,
        durable: bool | None = None,
        deadline_ms: int | None = None,
        why: str = "by hand",
        force: bool = False,
    ) -> traffic.Routed:
        """Answer a model's requests differently; what is not given stays as it is.

        Parameters
        ----------
        canary
            Version and its share of the traffic, sticky by unique_id; a share of 0 ends it.
        arms
            Share by version, in place of all arms there are.
        shadow
            Version whose answers are compared with those given; 0 for none.
        durable
            Answer only after the prediction is on disk.
        force
            Raise versions past half of the traffic, together, without a comparison that ended in "win" or "equal";
            ``why`` must say why.
        """
        from finalmile.workflows import routes as traffic

        wanted = traffic.Change(canary=canary, arms=arms, shadow=shadow, durable=durable, deadline_ms=deadline_ms)
        return traffic.change(self.shop, model, wanted, why=why, force=force)

    def materialise(self, model: str = DEFAULT_MODEL, number: int | None = None) -> Path | None:
        """Keep what the endpoint looks up for the live version or another one, from the newest sales.

        The folder of the table; ``None`` where callers give every feature themselves.
        """
        from finalmile.workflows import materialise

        with self._writing(f"materialise {model}"):
            version = live_version(self.shop, model) if number is None else self.ledger.version(model, number)
            return materialise.materialise(self.shop, version, self.folder / SERVING)

    def rescore(self, model: str = DEFAULT_MODEL) -> list[rescoring.Rescored]:
        """Let the shadow version and the last good one answer the logged features they have not yet seen.

        Each runs in a process of its own, within bounds; whatever it does, its rows are kept once and say how it
        went. Sealed rows only.
        """
        from finalmile.workflows import rescore as rescoring

        told: list[rescoring.Rescored] = []
        for number, role in rescoring.due(self.ledger, model):
            version = self.ledger.version(model, number)
            scored = rescoring.score(
                version, role, lake=self.lake, ledger=self.ledger, artefacts=self.artefacts, start=self._start
            )
            if scored is not None:
                with self._writing("rescore"):
                    told.append(rescoring.keep(scored, self.lake))
        return told

    def _start(self, version: Version) -> Process:
        from finalmile.forecasters.isolation import Process
        from finalmile.forecasters.loaders.kept import Kept

        folder = self.artefacts.path(version.digest)
        kept = Kept.read(folder)
        return Process(folder, reaches_out=kept.made().reaches_out, secrets=kept.secrets)
