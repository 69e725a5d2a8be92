"""Forecasts joined with what came true."""
