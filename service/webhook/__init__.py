"""Webhooks: what happened is sent to an organisation's own address, signed after Standard Webhooks."""
