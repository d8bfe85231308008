"""Text by instruction."""
