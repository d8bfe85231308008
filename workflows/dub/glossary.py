"""The user's glossary: what a term shall be called in the other language."""

from studio.errors import BadInput


def read_glossary(text: str) -> tuple[tuple[str, str], ...]:
    """Return (source term, target term) of each line `source = target`; empty lines are none.

    Raises:
        BadInput: if a line is no such pair, or a term stands twice with different targets.
    """
    found: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        source, sign, target = (" ".join(part.split()) for part in line.partition("="))
        if not (source and sign and target):
            raise BadInput(
                f"line {number} of the glossary is not a pair: {line.strip()[:60]!r}",
                remedy="Write one pair a line, such as: moon base = base lunar",
            )
        known = found.setdefault(source.casefold(), (source, target))
        if known[1] != target:
            raise BadInput(
                f"the glossary has two translations of {source!r}: {known[1]!r} and {target!r}",
                remedy="Leave one of them out.",
            )
    return tuple(found.values())
