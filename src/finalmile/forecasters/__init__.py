"""Forecasters: the recipes that can be fitted, and what they give back."""
