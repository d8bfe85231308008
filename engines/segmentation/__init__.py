"""Segmenters: who of a picture is a person, and what is background."""
