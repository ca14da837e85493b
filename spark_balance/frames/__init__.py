"""Frames to frames: row ids, classes, draws, samples and copies of rows."""
