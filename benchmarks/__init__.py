"""Speed and size of Filiation, measured beside yardsticks in the same run. `make bench` runs them."""
