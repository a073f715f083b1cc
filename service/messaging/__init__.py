"""SMS: a gateway sends messages through one of the `providers`. No phone number is stored here in clear text."""
