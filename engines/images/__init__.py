"""Makers of pictures: what a description says, drawn or generated."""
