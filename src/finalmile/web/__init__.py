"""Pages on 127.0.0.1."""

from finalmile.web.app import create_app
from finalmile.web.serving import serve

__all__ = ["create_app", "serve"]
