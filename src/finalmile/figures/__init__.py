"""Plotly figures from frames and records: the same in notebook, report and page."""
