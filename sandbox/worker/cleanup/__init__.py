"""What the janitor does when a run is over: ends its processes and resets the times of files."""
