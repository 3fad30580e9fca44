"""What language models cost, as the options say."""

from storage.calls import Price
from workbench.engine.options import RunOptions


def prices(options: RunOptions) -> dict[str, Price]:
    """Return what each priced model costs."""
    return {model: Price(p.prompt, p.completion, p.cached) for model, p in options.prices.items()}
