"""Words for people: languages, typography, and the terms of every closed list."""
