"""Jobs: work that takes longer than a request, with progress to look at and to stream."""
