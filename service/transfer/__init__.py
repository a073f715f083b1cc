"""Transfers: a sealed dataset handed by a sender to a recipient, of which both sides make statements."""
