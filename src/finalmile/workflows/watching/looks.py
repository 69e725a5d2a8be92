"""Which looks there are, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping

from finalmile.workflows.watching import loss
from finalmile.workflows.watching.seen import Look

LOOKS: Mapping[str, Look] = {
    loss.NAME: loss.watch,
}
