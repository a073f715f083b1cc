"""Other databases that answer the same question over the same data, where they are installed (`make peers`)."""
