"""Charts from frames: the same in a notebook, a report and a page."""

from finalmile.figures.chart import Chart
from finalmile.figures.loss import loss_over_time, loss_table
from finalmile.figures.money import money_against_baseline, money_table
from finalmile.figures.product import product_story, product_table
from finalmile.figures.service import service_over_time, service_table
from finalmile.figures.stock import stock_over_time, stock_table
from finalmile.figures.views import Event, HealthView, Home, Kpi, MoneyView, Need, Product, ServiceView

__all__ = [
    "Chart",
    "Event",
    "HealthView",
    "Home",
    "Kpi",
    "MoneyView",
    "Need",
    "Product",
    "ServiceView",
    "loss_over_time",
    "loss_table",
    "money_against_baseline",
    "money_table",
    "product_story",
    "product_table",
    "service_over_time",
    "service_table",
    "stock_over_time",
    "stock_table",
]
