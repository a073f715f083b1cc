"""Provenance: one number's answer, lineage of a dataset, impact of a notice, over one cached graph."""
