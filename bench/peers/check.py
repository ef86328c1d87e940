"""Imports every peer and compares its version with the pinned one; exits 1 with one sentence when something is off."""

import importlib
import importlib.metadata
import pathlib
import sys

MODULES = ["torch", "monai", "nibabel", "pydicom", "SimpleITK", "sklearn", "skimage", "imagehash", "safetensors.torch",
           "scipy.ndimage", "surface_distance", "faiss", "torchvision", "timm", "dynamic_network_architectures", "onnx",
           "onnxruntime"]


def main():
    pinned = {}
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        if "==" in line and not line.startswith("#"):
            name, rest = line.split("==", 1)
            pinned[name] = rest.split()[0]
    for name, version in pinned.items():
        found = importlib.metadata.version(name)
        if found.split("+")[0] != version:
            sys.exit(f"peers: {name} {version} is pinned but {found} is installed; remove .peers and start again")
    for module in MODULES:
        importlib.import_module(module)

    import torch

    torch.nn.functional.conv3d(torch.zeros(1, 1, 4, 4, 4), torch.zeros(1, 1, 3, 3, 3)).sum().item()
    shown = ["torch", "monai", "nibabel", "simpleitk", "surface-distance"]
    print("peers: " + ", ".join(f"{name} {pinned[name]}" for name in shown))


if __name__ == "__main__":
    main()
