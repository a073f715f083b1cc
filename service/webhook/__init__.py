"""Webhooks: events are sent to an organisation's own address, signed as Standard Webhooks specifies."""
