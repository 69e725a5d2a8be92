"""Why a loss changed: an account that adds up, the slice it comes from, and what changed in there."""

from finalmile.monitoring.why.causes import Event, InputShift
from finalmile.monitoring.why.rows import LossRows, rows_of
from finalmile.monitoring.why.slices import Slice, search_rows
from finalmile.monitoring.why.told import Around, Why, explain_rows

__all__ = ["Around", "Event", "InputShift", "LossRows", "Slice", "Why", "explain_rows", "rows_of", "search_rows"]
