"""Our trainer and evaluator against the libraries a practitioner would pick: one file a peer, one protocol for all."""
