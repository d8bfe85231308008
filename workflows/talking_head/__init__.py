"""Talking head: a portrait says a text, or a recording."""

from workflows.talking_head.flow import WORKFLOW

__all__ = ["WORKFLOW"]
