"""A whole contest of six teams, played with the commands that people type: ``make contest``."""
