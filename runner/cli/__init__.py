"""The command line: one file per command, with typer.

``main`` names the commands and turns errors into exit codes; ``lazy`` imports a command when it is used. A
command reads options, calls one function of another package, and prints. Nothing imports this package.
To add a command, add its file here and its entry in `main.COMMANDS`.
"""
