"""The command line: one module per verb, each thin."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the console script's entry."""
    from finalmile.cli.app import app

    app()


__all__ = ["main"]
