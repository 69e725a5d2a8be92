"""A simulated retailer whose true demand is known."""
