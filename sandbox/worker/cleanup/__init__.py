"""What the janitor does: ends runs and their processes in time, and resets the times of files."""
