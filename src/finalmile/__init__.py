"""Demand forecasts in production: watched, acted upon, turned into orders, and accounted for in money."""
