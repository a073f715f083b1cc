"""Who calls, and what a caller may see: API keys, actors, visibility, idempotent requests, inspections."""
