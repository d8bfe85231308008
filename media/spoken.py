"""Text as it is spoken: figures, dates, money, units, short forms and signs in words.

Deterministic, by rules. What a language says is data: one file each in `presets/spoken/`; other
languages get their numbers in words where num2words knows them. Lines are budgeted and spoken in
this form; subtitles keep the written one.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache

from media.languages import short_language
from media.spoken_numbers import Gender, Numbers, plain_digits, rewritten, roman_value, words_of
from media.spoken_rules import NumberForm, SpokenRules, months, spoken_rules

Pass = Callable[[str], str]
Say = Callable[[re.Match[str]], str | None]
MOST_ROUNDS = 6  # until nothing changes any more; one is enough but for odd input
GAP = r"[\s\u00a0\u202f]"
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_ADDRESS = re.compile(
    r"(?<![\w@.])(?:https?://[^\s<>\"]+|www\.[^\s<>\"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[a-zA-Z0-9-]+\.)+(?:com|org|net|edu|gov|info|io|tv|app|dev|ai|eu|uk|es|fr|de|it|pt|cat|br)"
    r"(?:/[^\s<>\"]*)?(?![\w.]\w|\w))"
)
_ISO_DATE = re.compile(r"(?<![\w-])(?P<y>\d{4})-(?P<b>\d{2})-(?P<c>\d{2})(?![\w-])")
_DATE = re.compile(
    r"(?<![\w/.-])(?P<b>\d{1,2})(?P<sign>[/.-])(?P<c>\d{1,2})(?P=sign)(?P<y>\d{4})(?![\w/-])"
)
_PHONE = re.compile(
    r"(?<![\w.,-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,8}(?:[ .-]\d{2,8}){1,5}"
    r"(?![\w-]|[.,]\d)"
)
_ROMAN = r"(?=[CXLIV])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_AFTER_FIRST = re.compile(r"\s*[,.;:!?)]|\s*$|\s+(?:of|de|von|di)\b")


def spoken(text: str, language: str) -> str:
    """Return `text` with all that is not words put in words; unchanged where nothing is to say.

    Args:
        text: as written.
        language: its language, as a tag ("es", "pt-BR").
    """
    passes = _passes(short_language(language))
    for _ in range(MOST_ROUNDS):
        said = text
        for each in passes:
            said = each(said)
        if said == text:
            break
        text = re.sub(r" {2,}", " ", said).strip()
    return text


@cache
def _passes(language: str) -> tuple[Pass, ...]:
    rules = spoken_rules(language)
    if rules is None:
        return (plain_digits, lambda text: _replaced(text, _NUMBER, lambda m: _known(m, language)))
    return _Speller(language, rules).passes()


def _known(match: re.Match[str], language: str) -> str | None:
    written = match[0].replace(",", ".")
    return words_of(Decimal(written) if "." in written else int(written), language)


def _replaced(text: str, pattern: re.Pattern[str], say: Say) -> str:
    """Return `text` with every match said, parted by spaces from letters and figures beside it."""

    def padded(match: re.Match[str]) -> str:
        words = say(match)
        if words is None:
            return match[0]
        start, end = match.span()
        before, after = match.string[max(0, start - 1) : start], match.string[end : end + 1]
        left = " " if _is_spaced(before) and _is_spaced(words[:1]) else ""
        return f"{left}{words}{' ' if _is_spaced(after) and _is_spaced(words[-1:]) else ''}"

    return pattern.sub(padded, text)


def _is_spaced(character: str) -> bool:
    """Tell whether it is a letter or figure of a script that parts words by spaces."""
    return character.isalnum() and character < "\u2e80"


def _any(choices: Mapping[str, object] | tuple[str, ...]) -> str:
    """Return a regular expression of all choices, the longest first; of nothing if there is none."""
    return "|".join(re.escape(each) for each in sorted(choices, key=len, reverse=True)) or r"(?!)"


class _Speller:
    """The passes of one language. Each leaves words; the last ones leave no figure and no sign."""

    def __init__(self, language: str, rules: SpokenRules) -> None:
        self._rules, self._numbers = rules, Numbers(language, rules)
        self._months = months(language)

    def passes(self) -> tuple[Pass, ...]:
        """Return them in their order."""
        return (
            plain_digits,
            self._addresses,
            *self._fixed_passes(),
            self._dates,
            self._time_pass(),
            self._phones,
            self._roman_pass(),
            *(self._form_pass(form) for form in self._rules.forms),
            self._range_pass(),
            self._minus_pass(),
            *self._money_passes(),
            self._unit_pass(),
            *self._number_passes(),
            self._symbol_pass(),
        )

    def _addresses(self, text: str) -> str:
        signs = self._rules.address

        def say(match: re.Match[str]) -> str | None:
            bare = match[0].rstrip(".,;:!?)'»”")
            end = match[0][len(bare) :]
            bare = re.sub(r"^https?:/*", "", bare).rstrip("/")
            parts = re.findall(r"[^\W_]+|[\W_]", bare)
            words = (signs.get(part, part if part[0].isalnum() else "") for part in parts)
            return " ".join(words) + end

        return _replaced(text, _ADDRESS, say)

    def _fixed_passes(self) -> tuple[Pass, ...]:
        """Say short forms and well-known fractions."""
        rules = self._rules
        ahead = re.compile(rf"(?<![\w.])(?:{_any(rules.before_number)})(?=\s?\d)")
        fractions = re.compile(rf"(?<![\d/.,])(?:{_any(rules.fractions)})(?![\d/]|[.,]\d)")
        short = re.compile(rf"(?<![\w.])(?:{_any(rules.abbreviations)})(?!\w)")

        def say_short(match: re.Match[str]) -> str:
            after = match.string[match.end() :]
            before_name, _, otherwise = rules.abbreviations[match[0]].partition("|")
            is_name = re.match(r"\s+[A-ZÀ-Þ]", after) is not None
            words = before_name if is_name or not otherwise else otherwise
            return f"{words}." if match[0][-1] == "." and not after.strip(" \"'»”)") else words

        return (
            lambda text: _replaced(text, ahead, lambda m: f"{rules.before_number[m[0]]} "),
            lambda text: _replaced(text, fractions, lambda m: f" {rules.fractions[m[0]]}"),
            lambda text: _replaced(text, short, say_short),
        )

    def _dates(self, text: str) -> str:
        """Write dates in figures with the month's name, which the number forms then say."""
        rules = self._rules

        def say(match: re.Match[str]) -> str | None:
            month, day = int(match["b"]), int(match["c"])
            if match.re is _DATE and (not rules.month_first or month > 12):
                month, day = day, month
            if not (1 <= month <= 12 and 1 <= day <= 31):
                return None
            day_text = rules.first_day if day == 1 else str(day)
            return rules.date.format(day=day_text, month=self._months[month - 1], year=match["y"])

        return _replaced(_replaced(text, _ISO_DATE, say), _DATE, say)

    def _time_pass(self) -> Pass:
        clock = self._rules.clock
        half = rf"{GAP}?(?P<half>[aApP])(?:\.{GAP}?[mM]\.|[mM]\b)"
        behind = rf"(?:{clock.after})(?!\w)" if clock.after else r"(?!)"
        pattern = re.compile(
            rf"(?<![\w:.,])(?P<h>[01]?\d|2[0-3])(?:(?:{clock.between})(?P<m>[0-5]\d)"
            rf"(?::(?P<s>[0-5]\d))?)?(?:{half}|{behind})?(?![\d:]|[.,]\d|\w)"
        )
        return lambda text: _replaced(text, pattern, self._time)

    def _time(self, match: re.Match[str]) -> str | None:
        clock, numbers, half = self._rules.clock, self._numbers, match["half"]
        if match["m"] is None and not half:
            return None
        hour, minute = int(match["h"]), int(match["m"] or 0)
        h = numbers.count(str(hour), "feminine" if clock.feminine else "")
        m = numbers.count(str(minute))
        if minute < 10 and clock.zero:
            m = f"{clock.zero} {m}"
        if match["s"] is not None:
            return f"{h} {m} {numbers.count(str(int(match['s'])))}"
        if half:
            said = f"{h} {m}" if minute else h
            words = f"{said} {clock.am if half in 'aA' else clock.pm}"
            is_last = match[0].endswith(".") and not match.string[match.end() :].strip()
            return f"{words.rstrip('.')}." if is_last else words
        full = clock.one if hour == 1 and clock.one else clock.full
        return clock.half.format(h=h, m=m) if minute else full.format(h=h)

    def _phones(self, text: str) -> str:
        numbers = self._numbers

        def say(match: re.Match[str]) -> str | None:
            groups = re.findall(r"\d+", match[0])
            is_marked = match[0][0] in "+(" or groups[0][0] == "0"
            if re.fullmatch(numbers.pattern, match[0]) or not 7 <= len("".join(groups)) <= 15:
                return None
            if len(groups) == 2 and not is_marked and len(groups[0]) == len(groups[1]):
                return None  # two years
            pairs = self._rules.phone_pairs
            said = [
                numbers.count(g) if pairs and g[0] != "0" and len(g) <= 2 else numbers.digits(g)
                for g in groups
            ]
            plus = f"{self._rules.symbols['+']} " if match[0][0] == "+" else ""
            return plus + ", ".join(said)

        return _replaced(text, _PHONE, say)

    def _roman_pass(self) -> Pass:
        romans, numbers = self._rules.romans, self._numbers
        number = rf"(?P<r>{_ROMAN})(?!\w|['’.-]\w)"
        counted = re.compile(rf"(?P<w>\b(?i:{_any(romans.counted)})\s+){number}")
        dot = r"(?:\.(?=\s+[a-zäöü]))?"  # "Ludwig XIV. war"
        rulers = re.compile(rf"(?P<w>\b(?:{_any(romans.rulers)})\s+){number}{dot}")

        def say(match: re.Match[str]) -> str:
            return match["w"] + numbers.words(roman_value(match["r"]))

        def say_ruler(match: re.Match[str]) -> str | None:
            if match["r"] == "I" and not _AFTER_FIRST.match(match.string[match.end() :]):
                return None  # "Elizabeth I know"
            value = roman_value(match["r"])
            if value > romans.most_ordered:
                return match["w"] + numbers.words(value)
            return match["w"] + romans.ruler.format(numbers.words(value, "ordinal"))

        return lambda text: _replaced(_replaced(text, counted, say), rulers, say_ruler)

    def _form_pass(self, form: NumberForm) -> Pass:
        bare = (re.sub(r"^(?:de |d')", "", month) for month in self._months)
        names = _any(tuple({*self._months, *bare}))
        before, after = (part.replace("{months}", names) for part in (form.before, form.after))
        pattern = re.compile(rf"(?P<b>{before})(?P<n>{form.digits})(?:{form.suffix}){after}")

        def say(match: re.Match[str]) -> str | None:
            found = match["n"]
            value = int(found) if found.isdigit() else roman_value(found)
            if value < 1:
                return None
            return match["b"] + rewritten(self._numbers.words(value, form.kind), form.rewrites)

        return lambda text: _replaced(text, pattern, say)

    def _range_pass(self) -> Pass:
        number, to = self._numbers.pattern, self._rules.to
        dash = rf"(?:{GAP}?[–—]{GAP}?|-|:)"
        dashed = re.compile(rf"(?<![\w.,–—:-])(?P<a>{number}%?){dash}(?={number}(?!\w*[–—:-]))")
        slashed = re.compile(r"(?<![\w/])(?P<a>\d+)/(?=\d+(?![\w/]))")

        def ranges(text: str) -> str:
            text = dashed.sub(lambda m: f"{m['a']} {to} ", text)
            return slashed.sub(lambda m: f"{m['a']} {self._rules.over} ", text)

        return ranges

    def _minus_pass(self) -> Pass:
        pattern = re.compile(r"(?<![\w)\]%])[-−](?=[€$£]?\d)")
        return lambda text: pattern.sub(f"{self._rules.minus} ", text)

    def _money_passes(self) -> tuple[Pass, ...]:
        names, more = _any(self._rules.currencies), _any(self._rules.magnitudes)
        amount = rf"(?P<n>{self._numbers.pattern})(?:{GAP}?(?P<more>{more})(?!\w))?"
        before = re.compile(rf"(?<!\w)(?P<c>{names}){GAP}?{amount}")
        glued = rf"(?<!\d)(?P<n>{self._numbers.pattern})(?:{GAP}?(?P<more>{more})(?=\W))?"
        after = re.compile(rf"{glued}{GAP}?(?P<c>{names})(?!\w)")
        return (
            lambda text: _replaced(text, before, self._money),
            lambda text: _replaced(text, after, self._money),
        )

    def _money(self, match: re.Match[str]) -> str:
        rules, numbers = self._rules, self._numbers
        currency, written = rules.currencies[match["c"]], match["n"]
        whole, rest = numbers.parts(written)
        if match["more"]:
            words = f"{numbers.said(written, 'noun')} {rules.magnitudes[match['more']]}"
            return numbers.with_noun(words, currency.many)
        noun = currency.one if numbers.is_singular(whole) else currency.many
        gender: Gender = "feminine" if currency.feminine else "noun"
        if rest and not (currency.cent and len(rest) == 2):
            return f"{numbers.said(written)} {currency.many}"
        major = numbers.with_noun(numbers.count(whole, gender), noun)
        cents = int(rest or "0")
        if cents == 0:
            return major
        name = currency.cent if cents == 1 else currency.cents
        minor = numbers.count(str(cents), "noun")
        if int(whole) == 0:
            return f"{minor} {name}"
        return rules.cents.format(major=major, minor=minor, cents=name)

    def _unit_pass(self) -> Pass:
        rules, numbers = self._rules, self._numbers
        pattern = re.compile(
            rf"(?<!\d)(?P<n>{numbers.pattern})(?:{GAP}?(?P<more>{_any(rules.magnitudes)})(?={GAP}))?"
            rf"(?:{GAP}|-)?(?P<u>{_any(rules.units)})(?![\w²³]|/\w)"
        )

        def say(match: re.Match[str]) -> str:
            one, many, *gender = rules.units[match["u"]]
            words = numbers.said(match["n"], "feminine" if gender else "noun")
            if match["more"]:
                return numbers.with_noun(f"{words} {rules.magnitudes[match['more']]}", many)
            return numbers.with_noun(words, one if numbers.is_singular(match["n"]) else many)

        return lambda text: _replaced(text, pattern, say)

    def _number_passes(self) -> tuple[Pass, ...]:
        rules, numbers = self._rules, self._numbers
        tied = re.compile(r"(?<=[^\W\d_])[-–](?=\d)")  # COVID-19
        sign = re.compile(r"#\s?(?=\d)")
        parts = re.compile(r"(?<![\d.,])\d+(?:\.\d+){2,}(?!\d)")
        short = re.compile(rf"(?<!\d)(?P<n>{numbers.pattern})(?P<m>{_any(rules.magnitudes)})(?!\w)")
        number = re.compile(rf"{numbers.pattern}(?:(?={GAP}+(?P<next>[^\W\d_]+)))?")

        def say_parts(match: re.Match[str]) -> str | None:
            if re.fullmatch(numbers.pattern, match[0]):
                return None
            return f" {rules.dot} ".join(numbers.count(part) for part in match[0].split("."))

        return (
            lambda text: sign.sub(f"{rules.number} ", tied.sub(" ", text)),
            lambda text: _replaced(text, parts, say_parts),
            lambda text: _replaced(
                text, short, lambda m: f"{numbers.said(m['n'], 'noun')} {rules.magnitudes[m['m']]}"
            ),
            lambda text: _replaced(text, number, self._plain),
        )

    def _plain(self, match: re.Match[str]) -> str:
        """Say a number; what follows tells its gender."""
        rules, numbers, following = self._rules, self._numbers, match["next"]
        words = numbers.plain(match[0])
        if not following or numbers.parts(match[0])[1] or numbers.is_code(match[0]):
            return words
        if re.fullmatch(rules.not_noun, following):
            return words
        is_feminine = re.fullmatch(rules.feminine_noun, following) is not None
        words = rewritten(words, rules.feminine if is_feminine else rules.noun)
        return f"{words} {rules.million_of}" if numbers.is_million(words) else words

    def _symbol_pass(self) -> Pass:
        symbols = self._rules.symbols
        pattern = re.compile(_any(symbols))

        def say(text: str) -> str:
            if not pattern.search(text):
                return text
            text = pattern.sub(lambda m: f" {symbols[m[0]]} ", text)
            return re.sub(r"\s+(?=[,.;:!?)])", "", text)

        return say
