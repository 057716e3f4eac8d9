"""The command that runs the web service: `unlearn serve`."""
