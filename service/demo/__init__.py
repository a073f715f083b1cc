"""The demonstration: the story of an election, told through the API and checked against what it must answer."""
