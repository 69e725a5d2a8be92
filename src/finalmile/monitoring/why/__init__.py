"""Why a loss changed: an account that adds up, the slice it comes from, and what changed in there."""

from finalmile.monitoring.why.rows import LossRows, rows_of
from finalmile.monitoring.why.slices import Slice, search_rows

__all__ = ["LossRows", "Slice", "rows_of", "search_rows"]
