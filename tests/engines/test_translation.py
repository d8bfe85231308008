import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import catalog
from engines.plain import one_line
from engines.roles import Translation
from engines.translation.apertium import Apertium
from engines.translation.english import plain_english
from engines.translation.phrases import PhraseBook, phrase_book
from engines.translation.units import join, split
from studio.errors import BadInput, Cancelled, StudioError
from studio.progress import silent
from tests import tiny


def engine(id_):
    return tiny.engine(id_)


def say(translator, texts, source, target, progress):
    return tuple(each.text for each in translator.translate(texts, source, target, progress))


@pytest.fixture(params=catalog.entries("Translator"), scope="module")
def translator(request):
    return engine(request.param)


@pytest.fixture
def says_sense(translator, request):
    if tiny.is_tiny(request.node.callspec.params["translator"]):
        pytest.skip("its weights are random here")


@pytest.fixture
def apertium():
    return engine("apertium")


def pair(translator, source, target):
    if (source, target) not in translator.pairs():
        pytest.skip(f"{source}→{target} is not installed")
    return source, target


class TestContract:
    def test_gives_one_line_for_each_in_order(self, translator):
        texts = ["One.", "", "Two dogs.", "   ", "A line\nbroken in two.", "…", "The end"]
        said = say(translator, texts, "en", "es", silent)
        assert len(said) == len(texts)
        assert said[1] == said[3] == "" and said[5] == "…"
        assert "\n" not in said[4]

    @pytest.mark.usefixtures("says_sense")
    def test_says_the_same(self, translator):
        assert "perros" in say(translator, ["Two dogs."], "en", "es", silent)[0]

    def test_the_same_again(self, translator):
        texts = ["One dog.", "Where is my friend?"]
        first = translator.translate(texts, "en", "es", silent)
        assert translator.translate(texts, "en", "es", silent) == first

    def test_progress_begins_at_none_and_ends_at_all(self, translator):
        told = []
        say(
            translator, ["One.", "Two."], "en", "es", lambda done, total: told.append((done, total))
        )
        assert told[0] == (0, 2) and told[-1] == (2, 2)
        assert [done for done, _ in told] == sorted(done for done, _ in told)

    def test_takes_a_glossary_and_rooms(self, translator):
        said = translator.translate(
            ["The moon.", "A dog."],
            "en",
            "es",
            silent,
            glossary=(("moon", "luna"),),
            letters=(9, 0),
        )
        assert len(said) == 2 and all(isinstance(each, Translation) for each in said)

    def test_no_text_is_no_translation(self, translator):
        assert say(translator, [], "en", "es", silent) == ()

    def test_an_unknown_pair_names_those_it_knows(self, translator):
        with pytest.raises(BadInput, match="'zu'") as caught:
            say(translator, ["x"], "en", "zu", silent)
        assert "en→es" in caught.value.remedy

    def test_pairs_hold_two_letter_codes_and_no_pair_with_itself(self, translator):
        known = translator.pairs()
        assert ("en", "es") in known
        assert all(len(a) == len(b) == 2 and a != b for a, b in known)

    @pytest.mark.usefixtures("says_sense")
    @pytest.mark.parametrize(
        "route", ["es-en", "fr-en", "en-fr", "pt-es", "es-it", "ro-es", "en-hr"]
    )
    def test_pairs_it_promises_translate(self, translator, route):
        said = say(translator, ["Radio 12."], *pair(translator, *route.split("-")), silent)
        assert "12" in said[0] and said[0].endswith(".")

    def test_stops_when_asked(self, translator):
        def stop(done, total):
            raise Cancelled("stopped")

        with pytest.raises(Cancelled):
            say(translator, ["Hello."], "en", "es", stop)

    @pytest.mark.parametrize(
        "text",
        [
            "[x] ^lemma<n>$ {y} \\z / @ # *w",
            "a\x00b\x1b[31m\x07",
            "</s><script>alert(1)</script>",
            "-f txt",
        ],
    )
    def test_markup_and_controls_are_only_text(self, translator, text):
        first, said, last = say(translator, ["Water.", text, "Bread."], "en", "es", silent)
        if isinstance(translator, Apertium):
            assert (first, last) == ("Agua.", "Pan.")
        assert "\x00" not in said and "\x1b" not in said


class TestApertium:
    @pytest.mark.parametrize(
        ("english", "spanish"),
        [
            ("Thank you very much.", "Muchas gracias."),
            ("Are you ready?", "¿Estás listo?"),
            ("Come on, Thom!", "¡Vamos, Thom!"),
            ("I don't know.", "No lo sé."),
            ("It's a house.", "Es una casa."),
            ("...and I have your book.", "...y tengo tu libro."),
            (
                "My grandfather had a small house on the moon.",
                "Mi abuelo tuvo una casa pequeña en la luna.",
            ),
            ("the house is big", "la casa es grande"),
            ("Okay, are you ready?", "Vale, ¿estás listo?"),
            ("What are you doing here, my friend?", "¿Qué haces aquí, amigo mío?"),
            ("what are you doing here", "¿qué haces aquí?"),
            ("It is very cold there.", "Hace mucho frío allí."),
            ("Nobody can live on the moon.", "Nadie puede vivir en la luna."),
            ("WATER AND BREAD", "AGUA Y PAN"),
        ],
    )
    def test_casing_marks_and_daily_phrases(self, apertium, english, spanish):
        said = say(apertium, [english], "en", "es", silent)[0]
        assert said == spanish

    def test_numbers_and_names_survive(self, apertium):
        said = say(
            apertium, ["On 12 May 1984 Zorbiq paid 3.50 for 1,000 apples."], "en", "es", silent
        )[0]
        for kept in ("12", "1984", "Zorbiq", "3.50", "1,000"):
            assert kept in said

    def test_no_marks_of_unknown_words(self, apertium):
        said = " ".join(
            say(apertium, ["The frobnicated gnorf sings, don't blarg it."], "en", "es", silent)
        )
        assert not set("*@#") & set(said)

    def test_through_another_language(self, apertium):
        said = say(apertium, ["La maison est grande."], *pair(apertium, "fr", "en"), silent)[0]
        assert said == "The house is big."

    def test_questions_in_english_are_turned(self, apertium):
        assert say(apertium, ["¿Estás aquí?"], "es", "en", silent)[0] == "Are you here?"

    def test_many_lines_in_one_run(self, apertium):
        texts = [f"We have {n} dogs." for n in range(400)]
        said = say(apertium, texts, "en", "es", silent)
        assert said == tuple(f"Tenemos {n} perros." for n in range(400))

    def test_avoided_pairs_are_not_offered(self):
        engine("apertium")
        assert ("en", "es") not in Apertium(avoid=("en-es",)).pairs()


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("I'm sure it's John's dog", "I am sure it is John's dog"),
        ("he's gone and the world's changed", "he has gone and the world has changed"),
        ("won't you", "will not you"),
        ("Shouldn't you go", "Should you not go"),
        ("they'd better go, I'd like it", "they had better go, I would like it"),
        ("i wanna see 'em", "I want to see them"),
    ],
)
def test_contractions_are_written_out(said, plain):
    assert plain_english(said) == plain


@given(st.text(max_size=80))
def test_a_line_split_and_joined_is_itself_but_for_spaces_and_opening_marks(text):
    line = one_line(text)
    squeezed = str.maketrans("", "", " ¿¡")
    units = split(line, lambda core: "")
    assert join(units, "en").translate(squeezed) == line.translate(squeezed).replace("\u00a0", "")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_text_comes_back_line_for_line(texts):
    assert len(say(engine("apertium"), texts, "en", "es", silent)) == len(texts)


def test_phrase_books_have_valid_rules():
    for path in sorted((catalog.PRESETS / "phrases").glob("*.toml")):
        book = phrase_book(*path.stem.split("-"))
        assert book.phrases
        book.prepared("some words here")
        book.mended("algunas palabras aquí?")


def test_a_phrase_book_reads_its_opposite_backwards(tmp_path):
    (tmp_path / "xx-yy.toml").write_text('[phrases]\n"Good, day" = "bon jour"\n')
    assert phrase_book("yy", "xx", tmp_path).known("Bon  jour") == "Good, day"
    assert phrase_book("xx", "yy", tmp_path).known("good day") == "bon jour"
    assert phrase_book("xx", "zz", tmp_path) == PhraseBook()


def test_a_missing_program_says_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StudioError) as caught:
        say(Apertium(), ["x"], "en", "es", silent)
    assert caught.value.remedy
