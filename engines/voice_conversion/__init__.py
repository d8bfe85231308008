"""One voice in the manner of another."""
