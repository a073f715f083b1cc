"""Datasets: sets of numbers held by one organisation, with their parts, rejected lines, sealing and orphans."""
