"""DataFrame in, DataFrame out: the primitives that methods share, and that know no method."""
