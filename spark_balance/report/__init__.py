"""The report of a resampling as one HTML page; rendering for other reports."""
