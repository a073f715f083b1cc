"""Who calls, and what a caller may see: API keys, actors, sight, replays of one request, the regulator's looks."""
