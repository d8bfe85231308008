"""Engines that let a filmed mouth say something else."""
