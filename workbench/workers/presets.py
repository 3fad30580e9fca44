"""Settings that are known to make sense, for the paper's six models and the embedder of its path library.

Names as published on Hugging Face; the paper (section 5 of the reference) gives short names, and no revision.
Memory = weights in 16 bits, plus 4 to 6 GiB for the engine and a cache that keeps some dozens of dialogues.
"""

from dataclasses import dataclass

from workbench.workers.spec import WorkerSpec


@dataclass(frozen=True, slots=True)
class Preset:
    """A model that is known here.

    Fields:
        name: the paper's. model: where it is published; what a hosted endpoint calls it if `hosted`.
        memory: GiB a worker needs at least. max_model_len: tokens that every prompt and reply here fits in.
        hosted: reached over an endpoint; no worker can serve it.
    """

    name: str
    model: str
    memory: float = 0.0
    max_model_len: int | None = None
    reasoning_parser: str | None = None
    dtype: str | None = None
    embedding: bool = False
    hosted: bool = False


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("GPT-4o", "gpt-4o", hosted=True),
        Preset("Deepseek-7B", "deepseek-ai/deepseek-llm-7b-chat", memory=19, max_model_len=4096),
        Preset("Mistral-7B", "mistralai/Mistral-7B-Instruct-v0.3", memory=18, max_model_len=8192),
        Preset("LLaMA-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct", memory=20, max_model_len=8192),
        Preset("Qwen-2.5-7B", "Qwen/Qwen2.5-7B-Instruct", memory=19, max_model_len=8192),
        Preset("QwQ-32B", "Qwen/QwQ-32B", memory=70, max_model_len=16384, reasoning_parser="deepseek_r1"),
        Preset(
            "all-MiniLM-L6-v2",
            "sentence-transformers/all-MiniLM-L6-v2",
            memory=2,
            max_model_len=256,
            dtype="float32",
            embedding=True,
        ),
    )
}
"""By the paper's name; looked up with case folded."""


def find_preset(name: str) -> Preset | None:
    """Return the preset of a name (the paper's or the published one), or None."""
    wanted = name.casefold()
    return next((p for p in PRESETS.values() if wanted in (p.name.casefold(), p.model.casefold())), None)


def worker_spec(model: str, **settings: object) -> WorkerSpec:
    """Return the spec of a model: its preset's settings where it has one, else vLLM's; what is given wins.

    Args:
        model: a preset's name, a folder, or a name on Hugging Face.
        settings: fields of `WorkerSpec`; None = not given.

    Raises:
        UsageError: the model is only hosted, or a setting is out of its range.
    """
    from workbench.engine.errors import UsageError

    preset = find_preset(model)
    fields: dict[str, object] = {"name": model.rstrip("/").rpartition("/")[2], "model": model}
    if preset is not None:
        if preset.hosted:
            raise UsageError(
                f"{preset.name} runs nowhere but at its maker's: no worker can serve it; reach it with "
                f"--base-url and OPENAI_API_KEY, as model {preset.model}"
            )
        fields |= {
            "name": preset.name,
            "model": preset.model,
            "memory": preset.memory,
            "max_model_len": preset.max_model_len,
            "reasoning_parser": preset.reasoning_parser,
            "dtype": preset.dtype,
            "embedding": preset.embedding,
        }
    return WorkerSpec.from_dict(fields | {name: value for name, value in settings.items() if value is not None})
