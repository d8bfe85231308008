"""Engines that let a portrait speak."""
