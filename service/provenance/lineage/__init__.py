"""The lineage of a dataset and the impact of a notice."""
