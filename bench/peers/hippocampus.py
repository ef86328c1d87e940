"""What the hippocampus scripts share: reading the data set, MONAI's network, and the Dice that nnU-Net reports."""

import json
import pathlib

import numpy as np
import torch
from monai.networks.nets import UNet
from monai.transforms import (Compose, EnsureChannelFirstd, LoadImaged, NormalizeIntensityd, SpatialPadd)

STRUCTURES = {1: "anterior", 2: "posterior"}


def cases(data, keys, labelled=True):
    folder = pathlib.Path(data)
    items = []
    for key in keys:
        if labelled:
            items.append({"image": folder / "imagesTr" / f"{key}.nii.gz", "label": folder / "labelsTr" / f"{key}.nii.gz",
                          "key": key})
        else:
            items.append({"image": folder / "imagesUnlabelled" / f"{key}.nii.gz", "key": key})
    return items


def splits(data):
    return json.loads((pathlib.Path(data) / "splits.json").read_text())


def loading(patch, labelled=True):
    """Reads, normalises over the whole volume (z-score) and pads what is smaller than the patch."""
    keys = ["image", "label"] if labelled else ["image"]
    return Compose([
        LoadImaged(keys=keys, image_only=True),
        EnsureChannelFirstd(keys=keys),
        NormalizeIntensityd(keys="image"),
        SpatialPadd(keys=keys, spatial_size=patch),
    ])


def network(in_channels=1, out_channels=3):
    return UNet(spatial_dims=3, in_channels=in_channels, out_channels=out_channels, channels=(16, 32, 64, 128),
                strides=(2, 2, 2), num_res_units=2, norm="instance")


def dice(prediction, labels, value):
    """nnU-Net's: 2TP / (2TP + FP + FN) of one structure in one case; 1 where both are empty."""
    p, q = prediction == value, labels == value
    total = int(p.sum()) + int(q.sum())
    return 1.0 if total == 0 else 2.0 * int((p & q).sum()) / total


@torch.inference_mode()
def evaluate(net, loaded, channels_last=False):
    """Mean Dice per structure over whole volumes, and the mean over structures. The network is fully convolutional, so a
    whole volume is one forward pass (padded to a multiple of 8, the padding cut off again)."""
    net.eval()
    scores = {name: [] for name in STRUCTURES.values()}
    for item in loaded:
        image = item["image"].as_tensor()[None]
        size = image.shape[2:]
        pad = [p for n in reversed(size) for p in (0, -n % 8)]
        image = torch.nn.functional.pad(image, pad)
        if channels_last:
            image = image.to(memory_format=torch.channels_last_3d)
        logits = net(image)[..., :size[0], :size[1], :size[2]]
        prediction = logits.argmax(1)[0].numpy()
        labels = item["label"].as_tensor()[0].numpy()
        for value, name in STRUCTURES.items():
            scores[name].append(dice(prediction, labels, value))
    net.train()
    result = {name: float(np.mean(values)) for name, values in scores.items()}
    result["mean"] = float(np.mean(list(result.values())))
    return result
