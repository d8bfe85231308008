"""Text into other languages."""
