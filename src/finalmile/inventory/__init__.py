"""From demand over the protection interval to order lines."""
