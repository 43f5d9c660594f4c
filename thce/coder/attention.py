"""Attention for training batches that are padded on the right.

A causal model never looks to the right, so no token sees the padding behind it and no mask is
needed; without one the fast kernels serve every batch. The name is registered with transformers
and is never written into a saved model.
"""

import torch

RIGHT_PADDED = "right_padded"


def register_right_padded() -> str:
    """Makes the implementation known to transformers; returns its name for `from_pretrained`."""
    from transformers import AttentionInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    AttentionInterface.register(RIGHT_PADDED, sdpa_attention_forward)
    # cuDNN plans anew for every shape, and batches of similar length have many.
    torch.backends.cuda.enable_cudnn_sdp(False)
    return RIGHT_PADDED
