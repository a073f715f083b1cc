"""One number's answer: built once as a value, rendered where it is sent."""
