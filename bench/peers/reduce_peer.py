"""Hashes 512x512 slices with imagehash, or compares pairs of 224x224 with scikit-image or NumPy: the peer of reduce_bench."""

import imagehash
import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

import peer


def made_slices(side):
    noise = np.random.default_rng(1).integers(0, 32, (64, side, side))
    return [(np.arange(side) // 4 + one).astype(np.uint8) for one in noise]


def ssim(a, b):
    return structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)


def mutual_information(a, b):
    joint = np.histogram2d(a.ravel(), b.ravel(), bins=64, range=((0, 256), (0, 256)))[0] / a.size
    there = joint > 0
    alone = np.outer(joint.sum(1), joint.sum(0))
    return np.sum(joint[there] * np.log2(joint[there] / alone[there]))


PAIRS = {"ssim": ("scikit-image", ssim), "mutual_information": ("NumPy", mutual_information)}


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("--measure", choices=["dhash", "phash", *PAIRS], default="dhash")
    args = parser.parse_args()
    if args.measure in PAIRS:
        name, compare = PAIRS[args.measure]
        slices = made_slices(224)

        def work():
            for a, b in zip(slices, slices[1:]):
                compare(a, b)
            return len(slices) - 1
    else:
        name, make = "imagehash", getattr(imagehash, args.measure)
        images = [Image.fromarray(one) for one in made_slices(512)]

        def work():
            for image in images:
                make(image)
            return len(images)

    peer.measure(args, name, work)


if __name__ == "__main__":
    main()
