"""Integrity checks of stored memberships, and the report of their findings."""
