"""The demonstration: loads the story of an election through the API, and checks the answers against those expected."""
