"""The plots of docs/metrics.md: `__main__` draws them, `figures` makes files that adapt to their readers."""
