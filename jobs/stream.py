"""The job stream for spark-submit: ``spark-submit --py-files spark_balance.zip jobs/stream.py CONFIG``."""

from spark_balance.__main__ import main

if __name__ == "__main__":
    main("stream")
