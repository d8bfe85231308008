"""Bags of tiny Demucs networks, written as the official `tools/export_hf.py` writes them."""

import json
from fractions import Fraction

SOURCES = ["drums", "bass", "other", "vocals"]


def write_bag(folder, name, signatures, weights=None, sources=SOURCES):
    """Write `NAME.yaml` and a random network for each signature."""
    import yaml

    bag = {"models": list(signatures)} | ({"weights": weights} if weights else {})
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(bag))
    for signature in signatures:
        write_network(folder / f"{signature}.safetensors", sources)


def network(sources=SOURCES):
    """Return a random network, its voice about as loud as the mixture."""
    import torch
    from demucs.htdemucs import HTDemucs

    made = HTDemucs(
        sources=list(sources),
        channels=8,
        growth=1,
        dconv_comp=4,
        t_layers=1,
        t_heads=2,
        segment=Fraction(3, 5),
    )
    with torch.no_grad():
        made.tdecoder[-1].conv_tr.weight.mul_(4)
    return made.eval()


def write_network(path, sources=SOURCES):
    from safetensors.torch import save_file

    made = network(sources)
    args, kwargs = made._init_args_kwargs
    about = {
        "klass": f"{type(made).__module__}.{type(made).__qualname__}",
        "args": json.dumps(args),
        "kwargs": json.dumps(kwargs, default=_plain),
    }
    state = {name: tensor.half().contiguous() for name, tensor in made.state_dict().items()}
    save_file(state, path, metadata=about)


def _plain(value):
    return {
        "_type": "fraction",
        "numerator": value.numerator,
        "denominator": value.denominator,
    }
