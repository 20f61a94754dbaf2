"""What is kept in a database, over SQLite and PostgreSQL alike."""
