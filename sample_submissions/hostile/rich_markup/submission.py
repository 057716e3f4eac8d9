"""Raises unbalanced markup, links and colours; a report must show them as text and must not fail."""


def unlearning(net, retain, forget, val):
    text = "[/nope] [bold red]ok[/] [link=file:///etc/passwd]here[/link] \\[x] [on black]x [@click=quit()]x[/] :skull: [/"
    print(text)
    raise type("[/bold]", (Exception,), {})(text)
