"""Campaigns: messages that were sent for a party to the numbers of its datasets."""
