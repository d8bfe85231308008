"""Dub: people in a video speak another language, in their own time, over their own music."""

from workflows.dub.flow import WORKFLOW

__all__ = ["WORKFLOW"]
