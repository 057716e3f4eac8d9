"""Defines a number under the name; the report must name the missing function."""

unlearning = 42
