"""Which columns are read: chosen by the caller, by their names, or by what their cells look like."""
