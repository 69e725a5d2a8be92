"""Loaders: how a model that was made elsewhere is brought to answer. One loader, one file.

Importing this imports no library of models, no polars and no ledger; each loader imports what it needs where it
loads.
"""

from finalmile.forecasters.loaders.contract import Loader, PanelModel, RowModel, Rows, loaders

__all__ = ["Loader", "PanelModel", "RowModel", "Rows", "loaders"]
