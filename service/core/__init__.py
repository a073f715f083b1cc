"""What every feature stands on: settings, database, errors, queue, locks, retention, shared vocabulary."""
