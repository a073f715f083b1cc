"""How datasets descend from each other: ancestors, descendants, and the dependents of a stored copy."""
