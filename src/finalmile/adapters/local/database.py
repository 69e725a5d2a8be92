"""The connection to the ledger's SQL engine: durable, one writer at a time, errors in plain words."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, update
from sqlalchemy.exc import DatabaseError, OperationalError

from finalmile.adapters.local.tables import SCHEMA_VERSION, audit_head, meta, metadata
from finalmile.errors import BusyError, CorruptError, PermanentError, TransientError


class Database:
    """SQL engine with two doors: :meth:`reading` sees one snapshot, :meth:`writing` is serial and durable.

    Parameters
    ----------
    url
        SQLAlchemy URL, for example ``"sqlite:///shop/ledger.db"``.
    busy_timeout_s
        How long a writer waits for another one.

    Raises
    ------
    PermanentError
        Where the tables were written by a newer finalmile.
    CorruptError
        Where the file is not a database.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 30.0) -> None:
        self._engine = create_engine(url)
        self.name = self._engine.url.render_as_string(hide_password=True)
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine, busy_timeout_s)
        self._writer = self._engine.execution_options(writes=True)
        self._check_schema()

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """Connection on one snapshot."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """Connection in a transaction that no other writer overlaps; committed at the end, or nothing is."""
        with self._translated(), self._writer.begin() as connection:
            connection.execute(select(audit_head.c.id).with_for_update())
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def _check_schema(self) -> None:
        with self.reading() as connection:
            found = self._schema_version(connection)
        if found is None:
            found = self._create()
        if found < SCHEMA_VERSION:
            found = self._migrate()
        if found > SCHEMA_VERSION:
            self.close()
            raise PermanentError(
                f"{self.name} was written by a newer finalmile (schema {found}; this one knows {SCHEMA_VERSION}). "
                "Install a newer finalmile to open it."
            )

    def _create(self) -> int:
        with self._translated(), self._writer.begin() as connection:
            found = self._schema_version(connection)
            if found is not None:
                return found
            metadata.create_all(connection)
            connection.execute(insert(meta).values(name="schema", value=str(SCHEMA_VERSION)))
            connection.execute(insert(audit_head).values(id=1, sequence=0, digest=""))
        return SCHEMA_VERSION

    def _migrate(self) -> int:
        """Add the tables that a ledger of an older finalmile lacks; those that are there stay as they are."""
        with self._translated(), self._writer.begin() as connection:
            metadata.create_all(connection)
            newest = max(self._schema_version(connection) or 0, SCHEMA_VERSION)
            connection.execute(update(meta).where(meta.c.name == "schema").values(value=str(newest)))
        return newest

    @staticmethod
    def _schema_version(connection: Connection) -> int | None:
        if not inspect(connection).has_table(meta.name):
            return None
        value = connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar()
        return None if value is None else int(value)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except OperationalError as error:
            raise self._operational(error) from error
        except DatabaseError as error:
            if "not a database" in str(error) or "malformed" in str(error):
                raise CorruptError(f"{self.name} is damaged: {error.orig}. Restore it from a backup.") from error
            raise

    def _operational(self, error: OperationalError) -> Exception:
        told = str(error.orig)
        if "locked" in told or "busy" in told:
            return BusyError(f"{self.name}: another process holds the write lock. Try again when it is done.")
        if "full" in told or "disk I/O" in told:
            return TransientError(f"{self.name}: {told}. Nothing was recorded; free some space and run it again.")
        return PermanentError(f"{self.name}: {told}. Check that the folder is there and can be written.")


def _prepare_sqlite(engine: Engine, busy_timeout_s: float) -> None:
    def connected(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in (
            f"busy_timeout={int(busy_timeout_s * 1000)}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            dbapi_connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
