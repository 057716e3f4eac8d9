"""Commands for organizers."""
