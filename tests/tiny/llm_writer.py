from tests.tiny.llm_translator import make

__all__ = ["SETTINGS", "make"]

SETTINGS = {"dtype": "float32", "most_tokens": 12}
