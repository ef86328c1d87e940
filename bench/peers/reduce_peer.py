"""Hashes 512x512 slices with imagehash: the peer of reduce_bench."""

import imagehash
import numpy as np
from PIL import Image

import peer


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("--hash", choices=["dhash", "phash"], default="dhash")
    args = parser.parse_args()
    noise = np.random.default_rng(1).integers(0, 32, (64, 512, 512))
    images = [Image.fromarray((np.arange(512) // 4 + one).astype(np.uint8)) for one in noise]
    make = getattr(imagehash, args.hash)

    def work():
        for image in images:
            make(image)
        return len(images)

    peer.measure(args, "imagehash", work)


if __name__ == "__main__":
    main()
