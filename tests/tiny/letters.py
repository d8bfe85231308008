"""A tokenizer made without any download: one token a byte, and the marks that a model asks for."""


def tokenizer(marks, pad="<pad>"):
    """Return a fast tokenizer.

    Args:
        marks: attribute -> special token.
        pad: the token that fills.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(letters)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token=pad, extra_special_tokens=marks, padding_side="left"
    )
