"""What the names of columns say: their words, and what is known of these."""
