"""Dub: people in a video speak another language, in their own time, over their own music."""
