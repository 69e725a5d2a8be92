"""Orders handed over to a supplier: in a folder, or to a server that fails in every way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from finalmile.config import check_names, parse_config
from finalmile.errors import ConfigError, ConflictError, PermanentError, TransientError
from finalmile.ports import deliveries
from finalmile.project import Project
from finalmile.project.core import REGISTRIES
from finalmile.records import OrderLine
from finalmile.workflows.hand_over import hand_over

FILES = {"PO-1.xml": b'<?xml version="1.0"?><Order/>'}


@dataclass
class Partner:
    """A server that answers as it is told, then takes what comes; ``None`` hangs up."""

    answers: list[tuple[int, dict[str, str]] | None] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    def webhook(self, **given: object):
        url = f"http://127.0.0.1:{self.port}/orders?token=hidden"
        return deliveries.make("webhook", **{"url": url, "pause_s": 0.0, "timeout_s": 5.0, **given})

    def keys(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.heard]


@pytest.fixture
def partner() -> Iterator[Partner]:
    told = Partner()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            answer = told.answers.pop(0) if told.answers else (200, {})
            if answer is None:
                self.close_connection = True
                return
            status, headers = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "9")
            self.end_headers()
            self.wfile.write(b"because\x1b[")

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


def line(product: str = "tea", quantity: int = 3) -> OrderLine:
    return OrderLine(
        order_id="PO-1",
        line_id=f"PO-1-{product}",
        supplier="Acme",
        unique_id=product,
        quantity=quantity,
        unit_cost=1.5,
        currency="EUR",
        ordered_at=date(2024, 5, 1),
        due=date(2024, 5, 3),
        state="approved",
    )


def test_what_is_sent_is_signed_and_keyed(partner: Partner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_SECRET", "whsec_" + base64.b64encode(b"shared").decode())
    monkeypatch.setenv("ACME_TOKEN", "Bearer 7")
    hook = partner.webhook(secret_from="ACME_SECRET", headers_from={"Authorization": "ACME_TOKEN"})
    assert hook.deliver(FILES, key="PO-1", home=tmp_path) == "webhook of 127.0.0.1"
    ((headers, body),) = partner.heard
    assert body == FILES["PO-1.xml"]
    assert headers["idempotency-key"] == '"PO-1"'
    assert headers["content-type"] == "application/xml"
    assert headers["authorization"] == "Bearer 7"
    signed = f"PO-1.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"shared", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_trouble_that_may_pass_is_tried_again_under_the_same_key(partner: Partner, tmp_path: Path) -> None:
    partner.answers = [(503, {"Retry-After": "0"}), None, (429, {})]
    partner.webhook().deliver(FILES, key="PO-1", home=tmp_path)
    assert partner.keys() == ["PO-1"] * 4
    assert {body for _, body in partner.heard} == set(FILES.values())


def test_trouble_that_does_not_pass_is_told_and_later_the_key_is_the_same(partner: Partner, tmp_path: Path) -> None:
    partner.answers = [(500, {})] * 2
    with pytest.raises(TransientError, match=r"did not take PO-1.xml in 2 tries: status 500 because\\x1b\["):
        partner.webhook(attempts=2).deliver(FILES, key="PO-1", home=tmp_path)
    partner.webhook().deliver(FILES, key="PO-1", home=tmp_path)
    assert partner.keys() == ["PO-1"] * 3


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 422])
def test_a_no_is_final_and_no_redirect_is_followed(partner: Partner, tmp_path: Path, status: int) -> None:
    partner.answers = [(status, {"Location": f"http://127.0.0.1:{partner.port}/elsewhere"})]
    with pytest.raises(PermanentError, match=f"refused PO-1.xml: status {status}") as caught:
        partner.webhook().deliver(FILES, key="PO-1", home=tmp_path)
    assert len(partner.heard) == 1
    assert "hidden" not in str(caught.value)


def test_nobody_there_is_told_without_the_address(partner: Partner, tmp_path: Path) -> None:
    hook = deliveries.make("webhook", url="http://127.0.0.1:1/x?token=hidden", attempts=2, pause_s=0.0)
    with pytest.raises(TransientError, match="ConnectError") as caught:
        hook.deliver(FILES, key="PO-1", home=tmp_path)
    assert "hidden" not in str(caught.value)


def test_each_file_of_a_document_has_its_own_key_and_names_are_no_headers(partner: Partner, tmp_path: Path) -> None:
    partner.webhook().deliver({"b.csv": b"2", "a.csv": b"1"}, key="PO\r\nX: 1.é", home=tmp_path)
    assert [body for _, body in partner.heard] == [b"1", b"2"]
    first, second = partner.keys()
    assert first != second
    assert first.startswith("PO__X__1__-")
    assert first.isascii()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://partner.example/x"}, "begins with https://"),
        ({"url": "ftp://partner.example"}, "begins with https://"),
        ({"url": "https://user:secret@partner.example"}, "holds a password"),
        ({"url": "https://partner.example", "attempts": 0}, "attempts at least 1"),
    ],
)
def test_a_webhook_that_cannot_be_safe_is_refused_when_settings_are_read(given: dict[str, object], said: str) -> None:
    settings = "\n".join(f"      {name}: {value}" for name, value in given.items())
    config = parse_config(f"sending:\n  Acme:\n    by: webhook\n    settings:\n{settings}\n")
    with pytest.raises(ConfigError, match=rf"finalmile.yaml:4: .*{said}"):
        check_names(config, REGISTRIES)


def test_a_secret_that_is_not_there_stops_before_anything_is_sent(partner: Partner, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the environment has no NOT_THERE"):
        partner.webhook(secret_from="NOT_THERE").deliver(FILES, key="PO-1", home=tmp_path)
    assert partner.heard == []


def test_an_order_counts_as_sent_once_the_supplier_took_it_and_goes_out_once(partner: Partner, tmp_path: Path) -> None:
    settings = f"{{url: 'http://127.0.0.1:{partner.port}/in', attempts: 2, pause_s: 0}}"
    (tmp_path / "finalmile.yaml").write_text(
        f"sending:\n  Acme: {{by: webhook, format: x12_850, settings: {settings}}}\n"
        "exports:\n  x12_850: {receivers: {Acme: ACMEID}}\n"
    )
    project = Project.open(tmp_path)
    project.ledger.put_orders([line(), line("milk")], at=datetime(2024, 5, 1, tzinfo=UTC), actor="test")
    project.approve_orders("PO-1")
    partner.answers = [(500, {}), (502, {})]
    with pytest.raises(TransientError):
        project.send_order("PO-1")
    assert {one.state for one in project.ledger.orders()} == {"approved"}
    Project.open(tmp_path).send_order("PO-1")
    assert {one.state for one in project.ledger.orders()} == {"sent"}
    project.send_order("PO-1")
    assert len(partner.heard) == 3
    assert len({(headers["webhook-id"], body) for headers, body in partner.heard}) == 1


@pytest.mark.parametrize("name", ["x12_850", "edifact_orders"])
def test_no_order_goes_out_to_a_receiver_that_nobody_set(partner: Partner, tmp_path: Path, name: str) -> None:
    settings = f"{{url: 'http://127.0.0.1:{partner.port}/in'}}"
    (tmp_path / "finalmile.yaml").write_text(
        f"sending:\n  Acme: {{by: webhook, format: {name}, settings: {settings}}}\n"
    )
    project = Project.open(tmp_path)
    project.ledger.put_orders([line()], at=datetime(2024, 5, 1, tzinfo=UTC), actor="test")
    project.approve_orders("PO-1")
    with pytest.raises(ConfigError, match="receivers holds no interchange id of Acme"):
        project.send_order("PO-1")
    assert partner.heard == []
    assert "sending" not in project.ledger.orders()[0].reason


def test_what_a_format_writes_otherwise_is_told_whoever_sends(tmp_path: Path) -> None:
    project = Project.open(tmp_path)
    project.ledger.put_orders([line()], at=datetime(2024, 5, 1, tzinfo=UTC), actor="test")
    project.approve_orders("PO-1")
    told = project.send_order("PO-1", file_format="x12_850")
    assert any("no interchange id is known for Acme" in note for note in told.notes)
    assert not told.breached


def test_what_would_stand_in_the_way_is_told_before_anything_is_sent(tmp_path: Path, monkeypatch) -> None:
    hook = deliveries.make("webhook", url="https://partner.example", secret_from="S", headers_from={"X": "T"})
    monkeypatch.setenv("S", "secret")
    monkeypatch.delenv("T", raising=False)
    (said,) = hook.obstacles(tmp_path)
    assert said.startswith("the environment has no T")
    monkeypatch.setenv("T", "token")
    assert hook.obstacles(tmp_path) == []
    folder = deliveries.make("folder", folder="a/b")
    assert folder.obstacles(tmp_path) == []
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").write_text("")
    assert "is no folder: orders cannot be written to" in folder.obstacles(tmp_path)[0]
    (tmp_path / "finalmile.yaml").write_text("sending:\n  Acme: {settings: {folder: a/b}}\n")
    faults = Project.open(tmp_path).check().faults
    assert [fault.partition(":")[0] for fault in faults if "is no folder" in fault] == ["sending to Acme"]


def test_settings_say_how_each_supplier_is_reached(tmp_path: Path) -> None:
    config = parse_config(
        "sending:\n  Acme: {format: ubl_order, settings: {folder: acme}}\n  '*': {format: odoo}\n"
        "exports:\n  ubl_order: {buyer: My Shop}\n"
    )
    check_names(config, REGISTRIES)
    assert hand_over(config, "Acme", home=tmp_path)("PO-1-2", [line()]) == str(tmp_path / "acme")
    assert b"<cbc:ID>PO-1-2</cbc:ID>" in (tmp_path / "acme" / "PO-1-2.xml").read_bytes()
    assert b"My Shop" in (tmp_path / "acme" / "PO-1-2.xml").read_bytes()
    hand_over(config, "Other", home=tmp_path, to=tmp_path / "by hand")("PO-1", [line()])
    assert [path.suffix for path in (tmp_path / "by hand").iterdir()] == [".csv"]
    with pytest.raises(ConfigError, match=r"finalmile.yaml:2: no delivery is called 'webhok'"):
        check_names(parse_config("sending:\n  Acme: {by: webhok}\n"), REGISTRIES)


def test_a_document_handed_over_again_is_there_once_and_never_changed(tmp_path: Path) -> None:
    give = hand_over(parse_config(""), "Acme", home=tmp_path)
    give("PO-1", [line()])
    (file,) = (tmp_path / "outbox").iterdir()
    before = file.read_bytes()
    give("PO-1", [line()])
    give("PO-2", [line()])
    with pytest.raises(ConflictError, match="not overwritten"):
        give("PO-1", [line(quantity=4)])
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(PermanentError, match="cannot be written"):
        hand_over(parse_config(""), "Acme", home=tmp_path)("PO-1", [line()])
