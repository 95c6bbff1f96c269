"""PyTorch's functions of neural networks: activations, losses, layers. `import gradmagic.nn.functional as F`."""
