"""What a worker serves at an instant: one reference, that is swapped and never changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from finalmile.serving.board import Board, Route, Served
from finalmile.serving.ready import Ready
from finalmile.serving.route import LIVE, choose


@dataclass(slots=True)
class Model:
    """One model as it is answered: its route and the versions in memory.

    Parameters
    ----------
    last
        What answered before, where neither the live nor the stable version could be loaded.
    """

    name: str
    route: Route
    versions: Mapping[int, Ready]
    last: Ready | None = None

    @property
    def live(self) -> Ready | None:
        """The version that the route says is live."""
        return self.versions.get(self.route.live)

    @property
    def stable(self) -> Ready | None:
        """What stands in where another version cannot answer."""
        told = None if self.route.stable is None else self.versions.get(self.route.stable)
        return told or self.last

    def pick(self, key: str, /) -> tuple[Ready | None, str, str]:
        """The version that answers about a key, its role, and why another one was chosen than the route says."""
        route = self.route
        if route.shares:
            choice = choose(route, key)
            number, role = choice.number, choice.role
        else:
            number, role = route.live, LIVE
        ready = self.versions.get(number)
        if ready is not None and not ready.mute:
            return ready, role, ""
        stand_in = self.live if number != route.live and self.live is not None else self.stable
        if stand_in is None or stand_in.mute:
            return ready, role, ""
        why = "could not be loaded" if ready is None else "has not forecast yet"
        return stand_in, "fallback", f"{self.name}@{number} {why}"


@dataclass(slots=True)
class State:
    """Everything a request is answered from; never changed, only replaced.

    Parameters
    ----------
    paths
        ``/v1/models/NAME:predict`` to the model.
    problems
        Why versions could not be loaded.
    loading
        Models that cannot be answered until a version is loaded; those among them that a fresh worker waits for are
        ``starting``.
    known_hosts
        What was found right before, so that it need not be checked again.
    """

    board: Board = field(default_factory=Board)
    models: Mapping[str, Model] = field(default_factory=dict[str, Model])
    paths: Mapping[str, Model] = field(default_factory=dict[str, Model])
    problems: Sequence[str] = ()
    told: bool = False
    loading: frozenset[str] = frozenset()
    starting: frozenset[str] = frozenset()
    known_hosts: set[bytes] = field(default_factory=set[bytes])

    @property
    def unready(self) -> list[str]:
        """Why not everything can be answered; empty where it can."""
        if not self.told:
            return ["no board has been read yet: the manager has not said what to serve"]
        silent = [name for name, model in self.models.items() if (model.live or model.stable) is None]
        return [f"{name}: no version could be loaded: {'; '.join(self.problems)}" for name in silent] + [
            f"{name}: its version is being loaded" for name in sorted(self.starting)
        ]


def composed(
    before: State, board: Board, memory: Mapping[Served, Ready], *, loading: Collection[Served], problems: Sequence[str]
) -> State:
    """The state that a board asks for with what is in memory.

    Keys, hosts and bounds count at once. A model whose live version is still being loaded is answered as before, as far
    as the board still has the versions that answered; without any, by its stable version; without that it is left out.
    """
    models: dict[str, Model] = {}
    for route in board.routes:
        mine = [served for served in board.versions if served.model == route.model]
        late = {served.number for served in mine if served in loading}
        versions = {served.number: memory[served] for served in mine if served in memory}
        model = _model(route, versions, before)
        if route.live in late:
            model = _as_before(model, before, {served.number for served in mine}) or model
        elif late:
            shares = tuple(share for share in route.shares if share.number not in late)
            model = replace(model, route=replace(route, shares=shares))
        if route.live not in late or (model.live or model.stable) is not None:
            models[route.model] = model
    absent = frozenset(route.model for route in board.routes) - models.keys()
    paths = {f"/v1/models/{name}:predict": model for name, model in models.items()}
    starting = absent if not before.told or before.starting else frozenset[str]()
    return State(
        board=board, models=models, paths=paths, problems=problems, told=True, loading=absent, starting=starting
    )


def _model(route: Route, versions: Mapping[int, Ready], before: State) -> Model:
    model = Model(name=route.model, route=route, versions=versions)
    past = before.models.get(route.model)
    if past is not None and (model.live or model.stable) is None:
        model.last = past.live or past.stable
    return model


def _as_before(model: Model, before: State, known: Collection[int]) -> Model | None:
    """The model as it was answered, without versions that were withdrawn; ``None`` where its live one was."""
    past = before.models.get(model.name)
    if past is None or past.live is None or past.route.live not in known:
        return None
    shares = tuple(share for share in past.route.shares if share.number in known)
    stable = past.route.stable if past.route.stable in known else None
    route = replace(model.route, live=past.route.live, shares=shares, stable=stable)
    versions = {number: ready for number, ready in past.versions.items() if number in known}
    return Model(name=model.name, route=route, versions=versions)
