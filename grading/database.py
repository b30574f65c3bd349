"""The database of a gradebook: SQLite in a file, or PostgreSQL by URL; and what is wrong with a URL, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from grading import GradingError

POSTGRESQL = "postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE"


class DatabaseError(GradingError):
    """A gradebook's database cannot be used; the message says why, what to do, and no password."""


@contextmanager
def connection(database: str) -> Iterator[Any]:
    """Connect for one transaction; SQLite makes a file that is not there.

    Raises
    ------
    DatabaseError
        `database` is no URL of a gradebook, its driver is not installed, or nobody answers there.
    """
    url = _url(database)
    try:
        engine = create_engine(url)
    except ModuleNotFoundError as error:
        raise DatabaseError(
            f"{url.drivername} needs {error.name}, which is not installed: "
            f'pip install "sigmoid-course[scale]", and write {POSTGRESQL}'
        ) from error
    except ArgumentError as error:
        raise DatabaseError(f"there is no driver {url.drivername}: write {POSTGRESQL}") from error
    try:
        with plain_errors(database), engine.begin() as connected:
            yield connected
    finally:
        engine.dispose()


@contextmanager
def plain_errors(database: str) -> Iterator[None]:
    """Turn what a database says into a sentence.

    Raises
    ------
    DatabaseError
        It said something.
    """
    try:
        yield
    except DBAPIError as error:
        url = _url(database)
        check = (
            "the file and its folder" if _is_sqlite(url) else "that the server runs, and user, password and database"
        )
        raise DatabaseError(f"the gradebook {url} says: {' '.join(str(error.orig).split())}; check {check}") from error


def require(database: str, table: str) -> None:
    """Make sure that there is something to read; unlike connecting, this makes no file.

    Raises
    ------
    DatabaseError
        There is no such database, or it does not have the table.
    """
    url = _url(database)
    if not _is_sqlite(url) or Path(url.database).is_file():
        with connection(database) as connected:
            if inspect(connected).has_table(table):
                return
    raise DatabaseError(f"there is no gradebook at {url}: grade first, or correct the URL")


def _url(database: str) -> Any:
    try:
        url = make_url(database)
        if url.get_backend_name() in ("sqlite", "postgresql") and url.database:
            return url
    except (ArgumentError, ValueError):  # ValueError: the port is no number
        pass
    # What was given is not repeated: it may hold a password.
    raise DatabaseError(f"this is no URL of a gradebook: write sqlite:///FILE or {POSTGRESQL}")


def _is_sqlite(url: Any) -> bool:
    return bool(url.get_backend_name() == "sqlite")
