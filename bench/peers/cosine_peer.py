"""Pairs of unit vectors with a cosine of 0.95 and more, by FAISS's exact index: the peer of cosine_bench."""

import faiss
import numpy as np

import peer


def clustered(count, dimensions):
    """As cosine_bench makes them: count / 4 centres, noise of a fifth of their spread."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((count // 4, dimensions), dtype=np.float32)
    rows = centres[rng.integers(0, len(centres), count)]
    rows += np.float32(0.2) * rng.standard_normal(rows.shape, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--count", type=int, default=20_000)
    # The search for one neighbour finds less, but is FAISS's fastest way through all pairs.
    parser.add_argument("--mode", choices=["range_search", "search"], default="range_search")
    args = parser.parse_args()
    faiss.omp_set_num_threads(args.threads)
    rows = clustered(args.count, args.dimensions)

    def work():
        index = faiss.IndexFlatIP(args.dimensions)
        index.add(rows)
        if args.mode == "range_search":
            index.range_search(rows, 0.95)
        else:
            index.search(rows, 1)
        return len(rows)

    peer.measure(args, "FAISS", work)


if __name__ == "__main__":
    main()
