"""What is written in figures and signs is said in words, in each language as its people say it."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from media.spoken import spoken
from media.spoken_rules import FOLDER, spoken_rules
from studio.errors import BadPreset

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "ca")

SAID = {
    "en": {
        "I have 21 apples.": "I have twenty-one apples.",
        "It costs $5.99.": "It costs five dollars and ninety-nine cents.",
        "We raised $5 million in 2019.": "We raised five million dollars in twenty nineteen.",
        "It weighs 1,234.5 kg.": "It weighs one thousand two hundred and thirty-four point five kilograms.",
        "On March 15, 2024 we met.": "On March fifteenth, twenty twenty-four we met.",
        "On 2024-03-15 and 3/4/2021.": "On March fifteenth, twenty twenty-four and March fourth, twenty twenty-one.",
        "At 3:05 pm and 14:30.": "At three oh five p.m. and fourteen thirty.",
        "Call 555-123-4567.": "Call five five five, one two three, four five six seven.",
        "Call +34 612 345 678.": "Call plus three four, six one two, three four five, six seven eight.",
        "About 50% of them.": "About fifty percent of them.",
        "Henry VIII and Elizabeth I know.": "Henry the eighth and Elizabeth I know.",
        "Chapter IV & part II": "Chapter four and part two",
        "Mail info@example.com or see https://www.example.com/a-b.": "Mail info at example dot com or see www dot example dot com slash a dash b.",
        "The 1990s and the '80s.": "The nineteen nineties and the 'eighties.",
        "The 21st of May, 1st place": "The twenty-first of May, first place",
        "COVID-19, 4K, MP3 and H2O": "COVID nineteen, four K, MP three and H two O",
        "Dr. Smith vs. Mr. Jones, etc.": "Doctor Smith versus Mister Jones, et cetera.",
        "-5°C to 10 °C": "minus five degrees Celsius to ten degrees Celsius",
        "pages 10-15": "pages ten to fifteen",
        "3/4 of 5/8": "three quarters of five over eight",
        "version 3.11.2": "version three point eleven point two",
        "#1 in the world": "number one in the world",
        "1 km at 100 km/h": "one kilometer at one hundred kilometers per hour",
        "In 2005 1 person died at 007.": "In two thousand and five one person died at zero zero seven.",
        "5-10 minutes at 9 a.m.": "five to ten minutes at nine a.m.",
        "It was $1.": "It was one dollar.",
        "€1.2bn for 3 m² (2x)": "one point two billion euros for three square meters (two times)",
        "the 24/7 shop, 3D and C++": "the twenty-four seven shop, three D and C plus plus",
        "ends in 1984.": "ends in nineteen eighty-four.",
        "No. 5 is alive": "number five is alive",
        "Room 101": "Room one hundred and one",
        "9:00 sharp": "nine o'clock sharp",
        "15 March 2020": "fifteenth of March twenty twenty",
        "Score 3-1": "Score three to one",
        "1939-1945": "nineteen thirty-nine to nineteen forty-five",
        "Main St. is near St. Paul": "Main Street is near Saint Paul",
        "#love": "hashtag love",
        "12/25/2023": "December twenty-fifth, twenty twenty-three",
        "99¢": "ninety-nine cents",
        "World War II": "World War two",
        "5 ft 3": "five feet three",
    },
    "es": {
        "Tengo 21 años.": "Tengo veintiún años.",
        "Hay 21 personas y 200 mesas.": "Hay veintiuna personas y doscientas mesas.",
        "Cuesta 5,99 €.": "Cuesta cinco euros con noventa y nueve céntimos.",
        "Pesa 1.234,5 kg.": "Pesa mil doscientos treinta y cuatro coma cinco kilogramos.",
        "El 15/03/2024 a las 14:30.": "El quince de marzo de dos mil veinticuatro a las catorce treinta.",
        "A las 3:00 pm": "A las tres de la tarde",
        "el 1 de mayo de 1999": "el uno de mayo de mil novecientos noventa y nueve",
        "siglo XIX, Felipe II, Luis XIV": "siglo diecinueve, Felipe segundo, Luis catorce",
        "1.000.000 de euros": "un millón de euros",
        "5 millones de euros, 2.000.000 €": "cinco millones de euros, dos millones de euros",
        "el 50 %": "el cincuenta por ciento",
        "Sra. López, EE. UU., etc.": "señora López, Estados Unidos, etcétera.",
        "1.er piso, 3ª vez, 2º": "primer piso, tercera vez, segundo",
        "info@ejemplo.es": "info arroba ejemplo punto es",
        "20 ºC": "veinte grados Celsius",
        "n.º 5": "número cinco",
        "10-15 km": "diez a quince kilómetros",
        "-3 grados": "menos tres grados",
        "1 kg y 1 h": "un kilogramo y una hora",
        "El 21% son 31": "El veintiún por ciento son treinta y uno",
        "$3.50": "tres dólares con cincuenta centavos",
        "3.14": "tres coma uno cuatro",
        "100 km/h": "cien kilómetros por hora",
        "El 1 es uno": "El uno es uno",
        "R&D + I": "R y D más I",
        "de 2.500 habitantes": "de dos mil quinientos habitantes",
        "el 1.º piso": "el primer piso",
        "1,000 personas": "mil personas",
        "31 libros": "treinta y un libros",
        "a las 5 p. m.": "a las cinco de la tarde.",
    },
    "fr": {
        "J'ai 21 ans.": "J'ai vingt et un ans.",
        "1,5 million d'euros": "un virgule cinq million d'euros",
        "5,99 €": "cinq euros quatre-vingt-dix-neuf",
        "Rendez-vous à 14h30 ou 15 h.": "Rendez-vous à quatorze heures trente ou quinze heures.",
        "le 15/03/2024 et le 01/05/2020": "le quinze mars deux mille vingt-quatre et le premier mai deux mille vingt",
        "06 12 34 56 78": "zéro six, douze, trente-quatre, cinquante-six, soixante-dix-huit",
        "XIXe siècle, Louis XIV, François Ier": "dix-neuvième siècle, Louis quatorze, François premier",
        "1er, 2e, 1re": "premier, deuxième, première",
        "1 234 567 habitants": "un million deux cent trente-quatre mille cinq cent soixante-sept habitants",
        "50 %": "cinquante pour cent",
        "M. Dupont et Mme Martin": "monsieur Dupont et madame Martin",
        "n° 5": "numéro cinq",
        "3 000 000 €": "trois millions d'euros",
        "1 fois, 21 fois": "une fois, vingt et une fois",
        "20 °C": "vingt degrés Celsius",
        "12,5 km/h": "douze virgule cinq kilomètres à l'heure",
        "p. 10-15": "page dix à quinze",
        "contact@exemple.fr": "contact arobase exemple point fr",
        "de 8 à 10 heures": "de huit à dix heures",
        "1 mars 2020": "premier mars deux mille vingt",
        "80 et 91": "quatre-vingts et quatre-vingt-onze",
        "2 M€": "deux millions d'euros",
        "François Ier": "François premier",
    },
    "de": {
        "Ich bin 21.": "Ich bin einundzwanzig.",
        "21 Frauen": "einundzwanzig Frauen",
        "Am 15.03.2024 um 14:30 Uhr.": "Am fünfzehnten März zweitausendvierundzwanzig um vierzehn Uhr dreißig.",
        "Der 1. Mai": "Der erste Mai",
        "5,99 €": "fünf Euro neunundneunzig",
        "1.234.567 Menschen": "eine Million zweihundertvierunddreißigtausendfünfhundertsiebenundsechzig Menschen",
        "Im Jahr 1984 und 2024": "Im Jahr neunzehnhundertvierundachtzig und zweitausendvierundzwanzig",
        "die 80er und 1990er Jahre": "die achtziger und neunzehnhundertneunziger Jahre",
        "im 19. Jahrhundert": "im neunzehnten Jahrhundert",
        "Ludwig XIV. war König.": "Ludwig der vierzehnte war König.",
        "5 Mio. Euro": "fünf Millionen Euro",
        "z. B. 50 %": "zum Beispiel fünfzig Prozent",
        "3-mal": "dreimal",
        "100 km/h": "einhundert Kilometer pro Stunde",
        "Nr. 5": "Nummer fünf",
        "3,5 kg": "drei Komma fünf Kilogramm",
        "1 Euro": "ein Euro",
        "10-15 Minuten": "zehn bis fünfzehn Minuten",
        "Dr. Müller usw.": "Doktor Müller und so weiter.",
        "info@beispiel.de": "info at beispiel Punkt de",
        "um 8:00 Uhr": "um acht Uhr",
        "Es ist 15. Das war es.": "Es ist fünfzehn. Das war es.",
        "10-jährige Kinder": "zehn-jährige Kinder",
        "1 Stunde": "eine Stunde",
        "-5 °C": "minus fünf Grad Celsius",
        "0800 123456": "null acht null null, eins zwei drei vier fünf sechs",
        "3. Mai 1987": "dritter Mai neunzehnhundertsiebenundachtzig",
        "3 Mrd. €": "drei Milliarden Euro",
    },
    "it": {
        "Ho 21 anni.": "Ho ventuno anni.",
        "5,99 €": "cinque euro e novantanove centesimi",
        "alle 14:30": "alle quattordici e trenta",
        "il 1/5/2020": "il primo maggio duemilaventi",
        "XIX secolo": "diciannovesimo secolo",
        "50%": "cinquanta per cento",
        "1.234,5 kg": "milleduecentotrentaquattro virgola cinque chilogrammi",
        "3º posto": "terzo posto",
        "10-15 km": "dieci a quindici chilometri",
        "2 milioni di euro": "due milioni di euro",
        "Sig. Rossi": "signor Rossi",
        "1 volta": "una volta",
    },
    "pt": {
        "Tenho 21 anos e 2 irmãs.": "Tenho vinte e um anos e duas irmãs.",
        "5,99 €": "cinco euros e noventa e nove cêntimos",
        "às 14h30": "às catorze e trinta",
        "1/5/2020": "primeiro de maio de dois mil e vinte",
        "século XIX": "século dezanove",
        "R$ 3,50": "três reais e cinquenta centavos",
        "50%": "cinquenta por cento",
        "1.234,5 kg": "mil duzentos e trinta e quatro vírgula cinco quilos",
        "3º": "terceiro",
        "200 pessoas": "duzentas pessoas",
        "5 milhões de reais": "cinco milhões de reais",
        "Sra. Silva": "senhora Silva",
        "João Paulo II": "João Paulo segundo",
    },
    "ca": {
        "Tinc 21 anys i 2 germanes.": "Tinc vint-i-un anys i dues germanes.",
        "5,99 €": "cinc euros amb noranta-nou cèntims",
        "a les 14:30": "a les catorze i trenta",
        "15/04/2024": "quinze d'abril de dos mil vint-i-quatre",
        "segle XIX": "segle dinou",
        "50%": "cinquanta per cent",
        "1.234,5 kg": "mil dos-cents trenta-quatre coma cinc quilograms",
        "1r, 2n, 3a": "primer, segon, tercera",
        "200 persones": "dos-centes persones",
        "Jaume I, rei": "Jaume primer, rei",
        "1.000.000 €": "un milió d'euros",
        "núm. 5": "número cinc",
    },
}
CASES = [(language, *case) for language, cases in SAID.items() for case in cases.items()]


@pytest.mark.parametrize(("language", "written", "said"), CASES)
def test_it_is_said_as_people_say_it(language, written, said):
    assert spoken(written, language) == said
    assert spoken(said, language) == said


@pytest.mark.parametrize("language", [*LANGUAGES, "ru", "xx", "", "../en"])
def test_plain_words_stay_as_they_are(language):
    for text in ("", "So it goes — on, and on…", "  two  spaces\n", "¿Qué? L'été, «ja»!"):
        assert spoken(text, language) == text


def test_other_languages_get_what_is_known():
    assert spoken("21 и 3,5", "ru") == "двадцать один и три целых пять десятых"
    assert spoken("3人", "ja") == "三人"
    assert spoken("有3个", "zh") == "有3个"  # num2words has no Chinese: left to the voice
    assert spoken("5 a", "xx") == "5 a"
    assert spoken("5 km", "pt-BR") == "cinco quilómetros"
    assert spoken("5 km", "spa") == "cinco kilómetros"


PIECES = st.sampled_from([
    "1", "21", "3.5", "1,000", "1.000", "007", "1999", "12/05/2024", "14:30", "5h", "pm", "p.m.",
    "$", "€", "£", "%", "°C", "km", "kg", "M", "x", "-", "–", "−", "/", ":", ".", ",", "'", "#",
    "@", "&", "+", "=", " ", " ", "\u00a0", "a", "e", "the", "de", "y", "Dr.", "etc.", "n.º", "º", "ª",
    "er", "th", "I", "XIV", "Louis ", "siglo ", "March ", "mars ", "²", "³", "½", "①", "٣", "１",
    "www.", "http://", "a@b.es", ".com", "(", ")", "\n", "million", "millones ", "Uhr", "h30", "s",
])  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=25))


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, language=st.sampled_from(LANGUAGES))
@example(text="0" * 400, language="en")
@example(text="9" * 4000, language="de")
@example(text="1.000.000.000.000.000.000,5 €", language="es")
def test_anything_is_said_without_figures_and_saying_it_again_changes_nothing(text, language):
    said = spoken(text, language)
    assert not any(c.isdigit() for c in said)
    assert not set("&+@#°%") & set(said)
    assert spoken(said, language) == said


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, language=st.sampled_from(["ru", "ja", "ar", "nl", "zh", "xx", "nb", "hi"]))
def test_languages_without_rules_never_fail(text, language):
    said = spoken(text, language)
    assert spoken(said, language) == said


def test_every_file_is_of_a_language_and_has_words_for_all_signs():
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(LANGUAGES)
    for language in LANGUAGES:
        rules = spoken_rules(language)
        assert rules is not None
        assert set("&+@#°%=²³") <= set(rules.symbols)
        assert {"km", "kg", "%", "°C", "h"} <= set(rules.units)
        assert {"€", "$", "£"} <= set(rules.currencies)


def test_a_broken_file_is_told(tmp_path):
    (tmp_path / "en.toml").write_text('point = "point"\nfoo = 1\n')
    with pytest.raises(BadPreset):
        spoken_rules("en", tmp_path)
