"""Write runs: of one evaluation or of many in one transaction, each fenced as if it were alone."""
