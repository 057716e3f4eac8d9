"""An EOFError that leaves a command: typer would end with exit code 1, as for an aborted prompt."""


class EndOfFileError(Exception):
    """Carries an EOFError out of a command, as its cause."""
