"""A small sentencepiece vocabulary, as the official repositories have large ones."""

from io import BytesIO

from sentencepiece import SentencePieceTrainer

SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "What are you doing here, my friend? I can hear the music!",
    "El perro pequeño tiene doce casas en la luna; ¿qué haces aquí?",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.",
    "Portez ce vieux whisky au juge blond qui fume: 0123456789%.",
)


def pieces(symbols=(), kind="unigram"):
    """Return a trained model's bytes; `symbols` are whole pieces."""
    made = BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 8),
        model_writer=made,
        model_type=kind,
        vocab_size=160 + len(symbols),
        hard_vocab_limit=False,
        character_coverage=1.0,
        user_defined_symbols=list(symbols),
        num_threads=1,
        minloglevel=2,
    )
    return made.getvalue()
