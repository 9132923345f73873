"""Files: `torch.save` and `torch.load`, and safetensors. This file only re-exports."""

from headgate.io.safetensors import load_file as load_safetensors
from headgate.io.safetensors import save_file as save_safetensors
from headgate.io.serialization import load as load
from headgate.io.serialization import save as save

__all__ = ["load", "load_safetensors", "save", "save_safetensors"]
