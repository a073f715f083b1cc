"""Datasets: sets of numbers held by one organisation; parts in, rejected lines out, sealing, orphans."""
