"""Transfers: one sealed dataset handed from a sender to a recipient, told by both sides."""
