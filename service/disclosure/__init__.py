"""A person's answer about their number (GDPR 15): as a report, a picture, a letter and a file."""
