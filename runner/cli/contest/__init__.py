"""The commands that run a competition: `unlearn competition sync`, `evaluate`, `status` and others."""
