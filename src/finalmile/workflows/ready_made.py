"""Ready-made forecasts: a table from elsewhere becomes a version, and everything downstream works on it."""

from __future__ import annotations

import polars as pl

from finalmile.errors import MissingInputError
from finalmile.forecasters.recipes.ready_made import ready_made
from finalmile.frames import NameArray
from finalmile.records import Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.train import keep
