"""Integrity checks of stored memberships, and the report of what they find."""
