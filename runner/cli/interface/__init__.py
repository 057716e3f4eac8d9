"""What all commands share besides their options: help, versions, errors of usage, files of results.

`help` shapes what typer prints, `usage` turns its errors into sentences; commands import neither.
"""
