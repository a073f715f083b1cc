"""The provenance graph: recorded facts, indexed, and the snapshot that each process keeps of them."""
