"""Mixtures into voice and the rest."""
