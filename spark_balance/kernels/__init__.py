"""Arrays in, arrays out: no Spark in sight."""
