"""Pages on 127.0.0.1, and the endpoint that answers predictions.

Importing it imports nothing else: a worker of the endpoint starts without what the pages need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finalmile.web.app import create_app
    from finalmile.web.order_pages import OrderDesk
    from finalmile.web.serving import serve

__all__ = ["OrderDesk", "create_app", "serve"]


def __getattr__(name: str) -> object:
    """What makes the pages, imported when it is first used."""
    if name == "create_app":
        from finalmile.web.app import create_app

        return create_app
    if name == "OrderDesk":
        from finalmile.web.order_pages import OrderDesk

        return OrderDesk
    if name == "serve":
        from finalmile.web.serving import serve

        return serve
    raise AttributeError(f"module 'finalmile.web' has no attribute {name!r}; it has {', '.join(__all__)}")
