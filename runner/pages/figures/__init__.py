"""Figures of pages: matplotlib's SVG, made fit to stand inside HTML under a strict policy.

``svg`` turns a figure into markup without ``style`` elements and attributes: colours become classes of the
page's style sheet, so that one figure fits light, dark and print. ``plots`` draws. Everything that is written
inside a figure is a number or a word of this project, never text of a submission.
"""
