"""Engines that tell when a known text is heard."""
