"""Organisations: collectors, brokers, parties, processors, the regulator; with an account here or only named."""
