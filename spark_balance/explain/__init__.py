"""What a run will do and cost, in rows, bytes, tasks and memory: numbers in, numbers out."""
