"""What the decisions were worth: KPIs, paired counterfactuals, intervals."""

from finalmile.impact.cycles import cycles_ended
from finalmile.impact.economics import Economics
from finalmile.impact.kpis import Kpis, kpis_of
from finalmile.impact.lost_sales import LostSales, estimate_lost_sales
from finalmile.impact.savings import GRADES, Grade, Savings, compare, total_with_interval

__all__ = [
    "GRADES",
    "Economics",
    "Grade",
    "Kpis",
    "LostSales",
    "Savings",
    "compare",
    "cycles_ended",
    "estimate_lost_sales",
    "kpis_of",
    "total_with_interval",
]
