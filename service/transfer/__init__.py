"""Transfers: sealed datasets handed by a sender to a recipient, and what both sides state of them."""
