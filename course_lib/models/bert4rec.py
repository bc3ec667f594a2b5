"""BERT4Rec: a transformer that sees a whole history with gaps in it and learns to fill the gaps.

Sun, Liu, Wu, Pei, Lin, Ou & Jiang, BERT4Rec: Sequential Recommendation with Bidirectional Encoder Representations from
Transformer, CIKM 2019. The encoder is the standard one, BertModel of Hugging Face's transformers, as in Petrov &
Macdonald, A Systematic Review and Replicability Study of BERT4Rec, RecSys 2022, who find that it needs long training.

    learn   ball  ?      jersey  pump      what stood at the gaps (course_lib/training/batches.py cuts them)
    ask     ball  shoes  jersey  pump  ?   what stands behind the history

Every place looks at the products before and after it, so a product may not be its own target: it has to be hidden.
Few places of a history teach at a time, where SASRec learns from all; in return each is asked with more around it.

Shapes: B histories, L places, D width, H heads, V products (0 is padding, V + 1 the mask). Histories are padded on the
left: the newest product is at place L - 1.

    model = BERT4RecModel(BERT4RecConfig(num_items=1224, width=64))
    model.save_pretrained("folder");  BERT4RecModel.from_pretrained("folder")
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel, PretrainedConfig

from course_lib.models.neural import NeuralBase

TASK = "next_item"
SETTINGS = {  # name: (default, lowest, highest)
    "width": (64, 8, 256),  # D, numbers that describe a product
    "layers": (1, 1, 6),
    "heads": (4, 1, 8),  # H, must divide the width
    "history_length": (8, 2, 200),  # products that the model looks back; the mask takes one more place
    "dropout": (0.0, 0.0, 0.9),
    "mask_share": (0.3, 0.05, 0.9),  # of a history's products hidden at a time
}
TRAINING = {"learning_rate": 0.003, "weight_decay": 0.05}  # the faster rate of the others keeps it at popularity


class BERT4RecConfig(PretrainedConfig):
    """What it takes to build the model; saved beside the weights."""

    model_type = "bert4rec"

    def __init__(
        self,
        num_items: int = 1,  # V
        width: int = 64,  # D
        layers: int = 1,
        heads: int = 4,  # H
        history_length: int = 8,
        dropout: float = 0.0,
        mask_share: float = 0.3,
        **kwargs: Any,
    ) -> None:
        self.num_items = num_items
        self.width = width
        self.layers = layers
        self.heads = heads
        self.history_length = history_length
        self.dropout = dropout
        self.mask_share = mask_share
        super().__init__(**kwargs)

    @property
    def mask_id(self) -> int:
        """What stands for a hidden product in the input; no product, so it has no score."""
        return self.num_items + 1

    def encoder(self) -> BertConfig:
        """The same in BERT's words."""
        return BertConfig(
            vocab_size=1,  # the product vectors are ours
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.width,
            hidden_dropout_prob=self.dropout,
            attention_probs_dropout_prob=0.0,
            max_position_embeddings=self.history_length + 1,
            type_vocab_size=1,
            initializer_range=self.width**-0.5,  # BERT's own 0.02 is meant for a width of 768
            attn_implementation="eager",  # the only one that can tell where it looked
        )


class BERT4RecModel(NeuralBase):
    """Product embeddings, a BERT encoder, and a head that turns its output into a wish."""

    config_class = BERT4RecConfig
    base_model_prefix = "bert4rec"
    objective = "masked"

    def __init__(self, config: BERT4RecConfig) -> None:
        super().__init__(config)
        self.item = nn.Embedding(config.num_items + 1, config.width, padding_idx=0)
        self.mask = nn.Parameter(torch.randn(config.width) * 0.02)  # the vector of a gap
        self.bert = BertModel(config.encoder(), add_pooling_layer=False)
        self.bert.set_input_embeddings(None)
        self.head = nn.Sequential(nn.Linear(config.width, config.width), nn.GELU(), nn.LayerNorm(config.width))
        self.bias = nn.Parameter(torch.zeros(config.num_items + 1))  # a product's own popularity
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Products further apart than in the other models: a gap has no product of its own to go by, and must from the
        start be able to tell its neighbours from each other. With 0.02 it learns little but popularity for long."""
        super()._init_weights(module)
        if module is self.item:
            with torch.no_grad():
                module.weight[1:].normal_(std=0.1)

    def forward(self, input_ids: Tensor, look: bool = False) -> tuple[Tensor, list[Tensor]]:
        """What belongs at each place: ``input_ids`` (B, L), of 0, products and masks, to (B, L, D).

        The second part is each layer's attention (B, H, L, L), row i what place i looks at, if one wants to ``look``.
        """
        gap = input_ids == self.config.mask_id  # (B, L)
        x = torch.where(gap[..., None], self.mask, self.item(input_ids.masked_fill(gap, 0)) * self.config.width**0.5)
        # Places are counted from the newest back, so that padding on the left moves none of them.
        ago = torch.arange(input_ids.shape[1] - 1, -1, -1, device=input_ids.device)[None]  # (1, L)
        read = self.bert(inputs_embeds=x, attention_mask=input_ids != 0, position_ids=ago, output_attentions=look)
        return self.head(read.last_hidden_state), list(read.attentions) if look else []

    def with_gap(self, input_ids: Tensor) -> Tensor:
        """The question: a mask behind the history, (B, L) to (B, L + 1)."""
        return nn.functional.pad(input_ids, (0, 1), value=self.config.mask_id)

    def wanted_next(self, input_ids: Tensor) -> Tensor:
        """What belongs behind the history: ``input_ids`` (B, L) to (B, D)."""
        wanted: Tensor = self(self.with_gap(input_ids))[0]
        return wanted[:, -1]

    def attention(self, input_ids: Tensor) -> list[Tensor]:
        """Where each product and, last, the mask behind them look: each layer's (B, H, L + 1, L).

        What they look at the mask itself is left out, so a row adds up to less than 1.
        """
        return [weights[..., :-1] for weights in self(self.with_gap(input_ids), look=True)[1]]
