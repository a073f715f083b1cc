"""Messages to and from telephones: the SMS gateway, and what it reports. No number is kept here in clear."""
