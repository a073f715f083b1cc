"""What Filiation takes for its work, measured beside yardsticks in one run. `make bench` runs it."""
