"""Cuts random patches of volumes cached in memory and augments them with MONAI's array transforms: the peer of
patches_bench. Flips, one affine map (rotation and zoom, order 1), noise and gamma, as the bench does; with two threads
two loader processes, MONAI's own way to use two cores."""

import pathlib

import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import (Compose, EnsureChannelFirst, LoadImage, NormalizeIntensity, RandAdjustContrast, RandAffine,
                              RandFlip, RandGaussianNoise, RandSpatialCrop, SpatialPad)

import peer


def transforms(args):
    steps = [RandSpatialCrop(args.patch, random_size=False)]
    if args.augment:
        angle = np.deg2rad(15.0)
        steps += [
            *[RandFlip(prob=0.5, spatial_axis=axis) for axis in range(3)],
            # MONAI scales by 1 + s.
            RandAffine(prob=1.0, rotate_range=[angle] * 3, scale_range=[0.15] * 3, mode="bilinear",
                       padding_mode="zeros", cache_grid=True, spatial_size=args.patch),
            RandGaussianNoise(prob=1.0, std=0.1),
            RandAdjustContrast(prob=1.0, gamma=(0.7, 1.5)),
        ]
    return Compose(steps)


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="NIfTI images")
    parser.add_argument("--patch", type=int, nargs=3, default=[40, 56, 40])
    parser.add_argument("--augment", action="store_true", help="without it: the crop alone")
    parser.add_argument("--volumes", type=int, default=20)
    parser.add_argument("--examples", type=int, default=80, help="per repeat")
    parser.add_argument("--batch", type=int, default=4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    load = Compose([LoadImage(image_only=True), EnsureChannelFirst(), NormalizeIntensity(),
                    SpatialPad(args.patch)])
    files = sorted(f for f in args.folder.iterdir() if f.name.endswith((".nii", ".nii.gz")))[:args.volumes]
    cached = [load(f).as_tensor() for f in files]
    items = [cached[n % len(cached)] for n in range(args.examples)]
    loader = DataLoader(Dataset(items, transforms(args)), batch_size=args.batch, shuffle=True,
                        num_workers=args.threads if args.threads > 1 else 0, persistent_workers=args.threads > 1)

    def work():
        return sum(len(batch) for batch in loader)

    peer.measure(args, "monai", work, patch=args.patch, augment=args.augment)


if __name__ == "__main__":
    main()
