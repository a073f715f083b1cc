"""Jobs: work that takes longer than a request, with progress that can be read or streamed."""
