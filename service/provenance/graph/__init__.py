"""The provenance graph: recorded facts, indexed, and the paths between datasets."""
