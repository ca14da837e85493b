"""Methods that are steps of other methods."""
