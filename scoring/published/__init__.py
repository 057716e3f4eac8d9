"""The contest's published metric, reproduced number for number.

    logits ── confidence ──> confidences ── attacks, rules ──> epsilon ── score ──> score

Values agree with google-deepmind/unlearning_evaluation at ffae0ff up to its float32 rates. The
golden records in the tests hold its values, so an improvement belongs in `scoring.epsilon`, not
here: this package must keep the quirks of the published code, each with its reason.
"""
