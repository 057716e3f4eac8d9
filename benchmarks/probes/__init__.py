"""What probes of the networks show: the SWAP test of the score card, and suppression told from retraining."""
