"""Raises markup that is unbalanced, links and colours; a report must neither obey it nor fall over it."""


def unlearning(net, retain, forget, val):
    text = "[/nope] [bold red]ok[/] [link=file:///etc/passwd]here[/link] \\[x] [on black]x [@click=quit()]x[/] :skull: [/"
    print(text)
    raise type("[/bold]", (Exception,), {})(text)
