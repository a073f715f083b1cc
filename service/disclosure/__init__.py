"""What a person is owed about their number (GDPR 15): as a story, a picture, a letter and a file."""
