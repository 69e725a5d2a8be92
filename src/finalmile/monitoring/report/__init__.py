"""Reports of what moved: for a notebook, a page, a build server."""

from finalmile.monitoring.report.drift import DriftReport, drift_report
from finalmile.monitoring.report.junit import junit
from finalmile.monitoring.report.page import render

__all__ = ["DriftReport", "drift_report", "junit", "render"]
