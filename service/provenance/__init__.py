"""Provenance: the answer about a number, the lineage of a dataset and the impact of a notice, from one graph."""
