"""Organisations: collectors, brokers, parties, processors, regulators; with an account here, or only named."""
