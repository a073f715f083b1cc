"""The embedded PostgreSQL that the service starts where no DATABASE_URL is set."""
