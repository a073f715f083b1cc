"""Which datasets a number came from, which were made from them, and which still depend on a stored copy."""
