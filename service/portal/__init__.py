"""The person's pages: rendered here, in French and English, and complete without JavaScript."""
