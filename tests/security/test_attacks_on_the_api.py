"""One attack for each class of hole that systems like this one had."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import pickle
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finalmile.errors import FinalMileError
from finalmile.serving.access import known_host, known_origin
from finalmile.web.api import create_api
from finalmile.web.api.gate import JSON_BYTES
from finalmile.web.redaction import Redacting, redacted
from finalmile.workflows.batch import Source

CANARY = "CANARY-outside-the-project"
CLIMBS = (
    "../../canary", "..%2f..%2fcanary", "..%252f..%252fcanary", "....//canary", "..\\..\\canary", "..%5c..%5ccanary",
    "/etc/passwd", "%2fetc%2fpasswd", "file:" + "///etc/passwd", "demand/../../canary", "demand%00.json", "~root",
    "%2e%2e", "%c0%ae%c0%ae/canary", "CON", "a" * 5000, "\u202ednamed", "$(touch canary)", "`id`", ";id",
    "{{7*7}}",
)  # fmt: skip
FORMS = (
    "/v1/models/{0}", "/v1/models/{0}/versions", "/v1/models/demand/versions/{0}", "/v1/models/{0}/predictions",
    "/v1/incidents/{0}", "/v1/batches/{0}", "/v1/batches/{0}/result", "/{0}",
)  # fmt: skip
POSTS = (
    "/v1/models/{0}/promote", "/v1/models/{0}/batches", "/v1/incidents/{0}/resolve", "/v1/batches/{0}/cancel",
    "/v1/keys/{0}/revoke",
)  # fmt: skip


def _files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if ".db" not in path.name}


@pytest.mark.parametrize("climb", CLIMBS)
def test_no_name_climbs_out_of_the_project(door: Any, climb: str):
    door.version("a", live=True)
    outside = door.project.folder.parent / "canary"
    outside.write_text(CANARY)
    before = _files(door.project.folder.parent)
    for form in FORMS:
        answer = door.ask("GET", form.format(climb))
        assert answer.status_code in (400, 404, 405, 422), (form, answer.status_code, answer.text[:300])
        assert CANARY not in answer.text
        assert "root:" not in answer.text
    for form in POSTS:
        assert door.ask("POST", form.format(climb), json={}).status_code in (400, 404, 405, 415, 422)
    assert _files(door.project.folder.parent) == before
    assert outside.read_text() == CANARY


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=40))
def test_whatever_a_name_is_it_is_never_a_fault_of_ours(door: Any, name: str):
    from urllib.parse import quote

    for form in ("/v1/models/{0}/route", "/v1/incidents/{0}", "/v1/batches/{0}"):
        assert door.ask("GET", form.format(quote(name, safe=""))).status_code in (200, 400, 404, 405, 422)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "127.0.0.1:80:80"])
def test_a_name_that_was_bound_to_this_machine_by_somebody_else_is_not_answered(door: Any, host: str):
    for method in ("GET", "POST", "DELETE", "PUT"):
        answer = door.ask(method, "/v1/models/demand/rollback", headers={"host": host}, json={})
        assert answer.status_code == 421
    assert not known_host(host, ("127.0.0.1", "localhost"))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://[", "a"])
def test_a_page_of_another_site_can_change_nothing(door: Any, origin: str):
    door.version("a", live=True)
    door.version("b", live=True)
    for headers in ({"origin": origin}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
        body = '{"why": "csrf"}'
        sent = {**headers, "content-type": "text/plain"}
        assert door.ask("POST", "/v1/models/demand/rollback", headers=sent, content=body).status_code == 403
    assert door.project.routes("demand").rows[0].live == 2
    assert not known_origin(origin, ("127.0.0.1", "localhost"))


def test_our_own_origin_is_welcome(door: Any):
    assert door.ask("GET", "/v1/models", headers={"origin": "http://127.0.0.1:8766"}).status_code == 200


def test_no_answer_lets_another_site_read_it(door: Any):
    answer = door.ask("GET", "/v1/models", headers={"origin": "http://localhost:1"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_body_beyond_the_bound_is_refused_before_it_is_read(door: Any):
    answer = door.ask("POST", "/v1/models/demand/promote", content=b" " * (JSON_BYTES + 1))
    assert answer.status_code == 413
    lying = {"content-length": "9" * 30}
    assert door.ask("POST", "/v1/models/demand/promote", content=b"{}", headers=lying).status_code == 413


def test_a_body_without_a_length_is_bounded_too(door: Any):
    async def endless() -> Any:
        for _ in range(10_000):
            yield b" " * 10_000

    answer = door.ask("POST", "/v1/models/demand/promote", content=endless())
    assert answer.status_code == 413


BOMBS = (
    b"[" * 100_000, b'{"a":' * 50_000, b'{"why": NaN}', b'{"number": 1e400}', b'{"number": Infinity}', b"\xff\xfe",
    b'{"number": ' + b"9" * 5_000 + b"}", b'{"why": "\\ud800"}', b'{"why": "' + b"a" * 5_000 + b'"}', b"null", b"[]",
    b'{"why": "x", "why": "y", "__proto__": {}}', b"\x1f\x8b" + b"\0" * 100, b'"' * 1000, b"",
)  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
def test_a_body_that_is_a_bomb_is_told_what_is_wrong(door: Any, bomb: bytes):
    door.version("a", live=True)
    for path in ("/v1/models/demand/promote", "/v1/models/demand/route", "/v1/incidents/ab/resolve"):
        answer = door.ask("POST", path, content=bomb, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 404, 422), answer.text[:300]
        error = answer.json()["error"]
        assert error["message"]
        assert len(answer.content) < 20_000


@pytest.mark.parametrize("share", ["NaN", "Infinity", "-1", "1.5", "1e308", '"0.1"x'])
def test_a_share_that_is_none_is_refused(door: Any, share: str):
    door.version("a", live=True)
    door.version("b")
    body = f'{{"canary": {{"number": 2, "share": {share}}}}}'
    answer = door.ask("POST", "/v1/models/demand/route", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert door.project.ledger.route("demand").beside == ()


def test_a_key_never_shows_in_an_answer_the_audit_trail_or_the_log(locked: Any, caplog: pytest.LogCaptureFixture):
    secret = locked.project.create_key("till", role="admin").secret
    hidden = secret.partition(".")[2]
    door, told = locked, ""
    with caplog.at_level(logging.DEBUG):
        for path in (f"/v1/models/{secret}", f"/v1/keys/{secret}/revoke", f"/v1/incidents/{secret}", f"/{secret}"):
            for method in ("GET", "POST"):
                told += door.ask(method, path, key=secret, json={"why": secret, secret: 1}).text
        told += door.ask("GET", "/v1/keys", key=secret).text + door.ask("GET", "/v1/audit", key=secret).text
        told += door.ask("GET", "/v1/models", key=secret[:-1] + "!").text
    told += repr(door.project.ledger.audit_rows())
    told += "".join(record.getMessage() for record in caplog.records if record.name.startswith("finalmile"))
    assert hidden not in told
    assert hidden[:20] not in told


def test_the_log_takes_keys_out_of_tracebacks():
    secret = "fm_0123456789ab." + "cd" * 32
    try:
        raise ValueError(f"cannot use {secret}")
    except ValueError as error:
        record = logging.LogRecord("a", 40, "b", 1, "failed", (), (type(error), error, error.__traceback__))
    assert "cdcd" not in Redacting("%(message)s").format(record)
    assert "hunter2" not in redacted("headers: {'Authorization': 'Bearer hunter2'}")


def test_an_unforeseen_fault_tells_a_number_and_nothing_else(door: Any, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("password=hunter2 at 10.0.0.7")

    monkeypatch.setattr(door.project.ledger, "versions", broken)
    answer = door.ask("GET", "/v1/models")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.json()["error"]["code"] == "failed"


HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


def test_a_hostile_reason_comes_back_as_data_that_no_browser_runs(door: Any):
    door.version("a", live=True)
    door.version("b", live=True)
    door.ask("POST", "/v1/models/demand/rollback", json={"why": HOSTILE})
    answer = door.ask("GET", "/v1/audit")
    assert HOSTILE in str(answer.json())
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"


class _Touch:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path(self._path),)  # type: ignore[return-value]


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_pickle_that_calls_itself_an_upload_runs_nothing(tmp_path: Path, form: Any):
    marker = tmp_path / "touched"
    upload = tmp_path / "input"
    upload.write_bytes(pickle.dumps(_Touch(marker)))
    source = Source(path=upload, form=form)
    with contextlib.suppress(pl.exceptions.PolarsError, FinalMileError):
        list(source.records())
    assert not marker.exists()
    pickle.load(io.BytesIO(upload.read_bytes()))
    assert marker.exists(), "the attack itself works"


def test_an_upload_of_another_kind_is_refused_by_its_media_type(door: Any):
    door.version("a", live=True)
    for media in ("application/x-pickle", "application/octet-stream", "multipart/form-data; boundary=x", ""):
        answer = door.ask("POST", "/v1/models/demand/batches", content=b"x", headers={"content-type": media})
        assert answer.status_code == 415


def test_an_upload_that_breaks_off_leaves_nothing(door: Any):
    door.version("a", live=True)
    answer = door.ask("POST", "/v1/models/demand/batches", content=b"", headers={"content-type": "text/csv"})
    assert answer.status_code == 422
    assert list((door.project.folder / "serving" / "batches").iterdir()) == []


def test_a_flipped_byte_of_an_artefact_is_refused_whichever_it_is(door: Any):
    version = door.version("abcdefgh")
    folder = door.project.artefacts.path(version.digest)
    for name in ("model.txt",):
        whole = (folder / name).read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 16)):
            (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(FinalMileError):
                door.project.artefacts.path(version.digest)
        (folder / name).write_bytes(whole)
    (folder / "extra.py").write_text("import os")
    with pytest.raises(FinalMileError):
        door.project.artefacts.path(version.digest)


def test_a_link_in_an_artefact_is_refused(door: Any):
    version = door.version("a")
    folder = door.project.artefacts.path(version.digest)
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(FinalMileError, match="is a link"):
        door.project.artefacts.path(version.digest)


def test_nothing_in_the_package_starts_a_shell(repository: Path):
    found = [
        f"{path.name}:{at}"
        for path in (repository / "src").rglob("*.py")
        for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if "shell=True" in line or "os.system(" in line or "os.popen(" in line
    ]
    assert found == []


def test_a_closed_connection_is_no_fault(door: Any):
    async def go() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/v1/models/demand/batches", "raw_path": b"/",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-type", b"text/csv")], "http_version": "1.1",
            "scheme": "http", "server": ("127.0.0.1", 80), "client": None, "root_path": "", "asgi": {"version": "3.0"},
        }  # fmt: skip
        await door.app(scope, receive, send)
        return sent

    door.version("a", live=True)
    told = asyncio.run(go())
    assert all(message.get("status", 0) < 500 for message in told)
    assert list((door.project.folder / "serving" / "batches").iterdir()) == []


def test_what_another_endpoints_worker_relayed_is_refused_however_open_this_manager_is(door: Any):
    app = create_api(door.app.state.desk, secret="ours")
    door.app = app
    assert door.ask("GET", "/v1/audit", headers={"x-finalmile-relay": "theirs"}).status_code == 421
    assert door.ask("GET", "/v1/audit", headers={"x-finalmile-relay": "none"}).status_code == 421
    assert door.ask("GET", "/v1/audit", headers={"x-finalmile-relay": "ours"}).status_code == 200
    assert door.ask("GET", "/v1/audit").status_code == 200
