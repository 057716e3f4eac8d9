"""Raises text that a page would execute and a spreadsheet compute; every display must escape it."""

TEXTS = (
    "=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "-1+1", "\t=1+1", "\"; =1+1",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "]]></system-out><x/>", "&lt;&#x3c;", "<!--", "</textarea>",
    "'; DROP TABLE runs; --", "%s%n{0}{__class__}", "${jndi:ldap://x}", "`touch x`", "$(touch x)", "[a](javascript:alert(1))",
)  # fmt: skip


def unlearning(net, retain, forget, val):
    for text in TEXTS:
        print(text)
    raise type(TEXTS[6], (Exception,), {})("\n".join(TEXTS))
