"""Finds near-duplicates among 64-bit hashes with FAISS: the peer of hamming_bench. Items are pairs that were compared, or, of
an index that does not compare all of them, would have been."""

import faiss
import numpy as np

import peer


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("--radius", type=int, default=6)
    parser.add_argument("--index", choices=["flat", "multihash"], default="flat")
    args = parser.parse_args()
    faiss.omp_set_num_threads(args.threads)
    hashes = np.random.default_rng(1).integers(0, 256, (1 << 20, 8), dtype=np.uint8)
    queries = hashes[:512]
    # Four keys of 16 bits, searched to one flipped bit: complete up to radius 7.
    index = faiss.IndexBinaryFlat(64) if args.index == "flat" else faiss.IndexBinaryMultiHash(64, 4, 16)
    if args.index == "multihash":
        index.nflip = 1
    index.add(hashes)

    def work():
        index.range_search(queries, args.radius + 1)  # FAISS wants smaller distances than this
        return len(hashes) * len(queries)

    peer.measure(args, "FAISS", work)


if __name__ == "__main__":
    main()
