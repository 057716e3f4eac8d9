"""Compare a submission's results on its challenge with those on control problems that it cannot know.

`comparison` computes the same figures for each problem, at equal numbers of runs and references, and decides
whether the challenge is so much better that the submission was prepared for it. The limit was measured on
honest methods; docs/metrics.md has the rates, and `benchmarks.integrity.controls` measures them again.
"""
