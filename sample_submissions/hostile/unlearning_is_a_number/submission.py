"""Has something else under the name; must say what is missing."""

unlearning = 42
