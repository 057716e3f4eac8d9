"""Commands of competitions on the web: `unlearn serve`, and `unlearn submit` with its client."""
