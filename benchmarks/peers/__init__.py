"""Other ways to answer the same question over the same data, each where it is installed (`make peers`)."""
