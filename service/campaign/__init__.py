"""Campaigns: messages that a party had sent, to the numbers of its datasets."""
