"""The management API: what is live, who may change it, what it answered, and jobs that take long."""

from finalmile.web.api.app import create_api

__all__ = ["create_api"]
