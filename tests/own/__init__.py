"""Engines of nobody's: small, whole, and outside the product's rooms."""
