"""Benchmarks of the score card's entries from probes."""
