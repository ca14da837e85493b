"""What was measured, as data, as tables and as plots."""
