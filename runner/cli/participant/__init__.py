"""Commands of the participant's loop: a template (`new`), a check (`check`), one evaluation (`show`)."""
