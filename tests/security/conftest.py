"""A project behind its management API, asked in this process, with a real ledger and real artefacts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from finalmile.project import Project
from finalmile.records import Version
from finalmile.serving.board import Board
from finalmile.web.api import create_api
from finalmile.web.api.desk import Desk
from finalmile.web.batches import Batches
from finalmile.workflows import endpoint
from finalmile.workflows.promote import promote


@dataclass
class Door:
    """The API as a caller meets it; ``ask("GET", path)``."""

    project: Project
    open_to_all: bool = True
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        serving = self.project.folder / "serving"
        serving.mkdir(exist_ok=True)
        batches = Batches(self.project.folder, serving)
        self.app = create_api(Desk(project=self.project, board=self.board, batches=batches))

    def board(self) -> Board:
        project = self.project
        return endpoint.post(
            project.ledger,
            project.artefacts,
            project.folder / "serving",
            now=project.clock.now(),
            open_to_all=self.open_to_all,
        ).board

    def ask(
        self, method: str, path: str, *, key: str | None = None, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        sent = {**({"authorization": f"Bearer {key}"} if key else {}), **(headers or {})}

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8766") as client:
                return await client.request(method, path, headers=sent, **more)

        return asyncio.run(go())

    def version(self, text: str, model: str = "demand", *, live: bool = False) -> Version:
        def write(folder: Path) -> None:
            (folder / "model.txt").write_text(text)

        made = self.project.ledger.new_version(
            model=model, kind="tsb", digest=self.project.artefacts.put(write), cutoff=date(2024, 1, 1), settings={},
            at=self.project.clock.now(), actor="t",
        )  # fmt: skip
        if live:
            promote(self.project.shop, model, number=made.number, force=True)
        return made


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(Project.init(tmp_path / "shop"))


@pytest.fixture
def locked(tmp_path: Path) -> Door:
    """The same where other machines can reach it: a key is asked for."""
    return Door(Project.init(tmp_path / "shop"), open_to_all=False)


MakeKey = Callable[..., str]


@pytest.fixture
def key(locked: Door) -> MakeKey:
    numbers = itertools.count(1)
    return lambda role, **more: locked.project.create_key(f"{role} {next(numbers)}", role=role, **more).secret
