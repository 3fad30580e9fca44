"""Makes two tiny random models, `tiny` and `tiny-embed`: `ENVIRONMENT/bin/python tests/vllm/tiny.py FOLDER TEXT`.

Their replies mean nothing; they only let a real server run quickly on a CPU. The tokenizer learns its 1,024 tokens from
TEXT, any file in the language of the prompts, so that these need about as many tokens as with a real small model.
Runs in the server's environment, which has torch and transformers, and imports nothing of ours.
"""

import sys
from pathlib import Path

import torch  # type: ignore[import-not-found]
from tokenizers import (  # type: ignore[import-not-found]
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (  # type: ignore[import-not-found]
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

PAD, BEGIN, START, END = SPECIAL = ("<pad>", "<bos>", "<|im_start|>", "<|im_end|>")
CONTEXT = 8192
"""Tokens that the chat model takes, prompt and reply together."""

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer(text: Path, length: int) -> PreTrainedTokenizerFast:
    """Train a byte-level tokenizer: every text can be encoded."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train([str(text)], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, bos_token=BEGIN, eos_token=END, model_max_length=length
    )
    fast.chat_template = TEMPLATE
    return fast


def make_chat(folder: Path, text: Path) -> None:
    """Write the chat model: random, but one that ends a text after a few dozen tokens, and never before the first."""
    tokenizer = make_tokenizer(text, CONTEXT)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=CONTEXT,
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
        bos_token_id=tokenizer.convert_tokens_to_ids(BEGIN),
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        tie_word_embeddings=False,
        initializer_range=0.04,
    )
    model = LlamaForCausalLM(config).float()
    with torch.no_grad():
        # Every token has one that likes to follow it, all in one great circle, so that a reply without sampling does
        # not repeat a word for ever. Dimension 0 tells the last layer whether a text may end after a token.
        tokens, out = model.model.embed_tokens.weight, model.lm_head.weight
        tokens.normal_(0.0, 0.1)
        out.copy_(0.7 * tokens.roll(389, 0))
        tokens[:, 0] = torch.where(_last_words(tokenizer), 1.0, -1.0)
        out[:, 0] = 0.0
        ends = tokenizer.convert_tokens_to_ids([END, '"'])
        out[ends] = 0.0
        out[ends, 0] = 0.8
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _last_words(tokenizer: PreTrainedTokenizerFast) -> torch.Tensor:
    """Mark every sixth token, `[vocabulary]`, of those that are made of letters."""
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    return torch.tensor([number % 6 == 0 and token.isalpha() for number, token in enumerate(tokens)])


def make_embed(folder: Path, text: Path) -> None:
    """Write the embedding model: 64 dimensions."""
    tokenizer = make_tokenizer(text, 512)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=512,
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
    )
    BertModel(config).float().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    target, learned_from = Path(sys.argv[1]), Path(sys.argv[2])
    torch.manual_seed(0)
    make_chat(target / "tiny", learned_from)
    make_embed(target / "tiny-embed", learned_from)
