"""Whether synthetic rows can be trusted: figures about new rows, beside the same figures about originals."""
