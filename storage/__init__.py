"""The database: opening and migrating it, the one writer, the readers."""
