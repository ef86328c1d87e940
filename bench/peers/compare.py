#!/usr/bin/env python3
"""Runs our benchmarks and the same work in other tools, taking turns, and prints a Markdown table of ratios.

    ./run peers                                  # once: the pinned Python environment
    cmake -S . -B build -G Ninja -DMARROW_BENCH=ON && ninja -C build
    bench/peers/compare.py --data MSD_HIPPOCAMPUS

In every repeat each tool does the same work once, right after the other, so that a machine that is busy for a while is busy
for both; the ratio is taken within the repeat. What is absent (an executable that was not built, an environment that was not
made) is skipped with a message. Needs nothing but Python 3.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "bench" / "peers"


class Skip(Exception):
    pass


class Ours:
    """A Google Benchmark executable; a measurement is one start of it with one benchmark selected."""

    def __init__(self, build, name, benchmark, arguments, seconds):
        self.program = build / "bench" / name
        if not self.program.exists():
            raise Skip(f"{self.program} was not built (configure with -DMARROW_BENCH=ON)")
        self.command = [str(self.program), *map(str, arguments), f"--benchmark_filter={benchmark}",
                        f"--benchmark_min_time={seconds}", "--benchmark_format=json"]

    def measure(self):
        run = subprocess.run(self.command, capture_output=True, text=True)
        if run.returncode != 0:
            raise Skip(f"{' '.join(self.command)} ended with {run.returncode}: {run.stderr.strip()[-300:]}")
        rows = [row for row in json.loads(run.stdout or '{"benchmarks": []}')["benchmarks"]
                if "items_per_second" in row]
        if len(rows) != 1:
            raise Skip(f"{self.command[0]} has {len(rows)} benchmarks like {self.command[-3]}")
        if rows[0].get("error_occurred"):
            raise Skip(f"{self.command[0]}: {rows[0].get('error_message')}")
        return rows[0]["items_per_second"]

    def close(self):
        pass


class Peer:
    """A peer's script that stays and measures once for every line it is sent, so that imports are not counted."""

    def __init__(self, python, script, threads, arguments):
        if not python.exists():
            raise Skip(f"{python} is absent (make it with ./run peers)")
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        # What a script says on its way (MONAI warns a lot) is shown only if it fails.
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(python), "-W", "ignore", str(HERE / script), "--serve", "--threads",
                                         str(threads), *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)
        self.facts = self.line()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise Skip(f"the peer {self.process.args[3]} stopped: {self.errors.read().strip()[-300:]}")
        return json.loads(line)

    def measure(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.facts = self.line()
        return self.facts["items_per_second"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def figures(data, predictions, series):
    """name, unit, our executable, its benchmark (a pattern with {threads}), its arguments, and peers: name, script,
    arguments."""
    images, labels = data / "imagesTr", data / "labelsTr"
    predicted = predictions or labels
    spark = ["--steps", 2]  # the default network and batch of both are the same
    return [
        *[("dicom", f"uncompressed DICOM series to a float32 volume{where}", "slices/s", "io_bench", f"^{benchmark}/", [series],
           [("SimpleITK", "read_dicom_peer.py", [series]), ("pydicom", "read_dicom_peer.py", [series, "--tool", "pydicom"])])
          for benchmark, where in (("ReadDicom", ", in this process"), ("ReadDicomInChild", ""))],
        ("nifti", "NIfTI volumes read to float32", "volumes/s", "io_bench", "^ReadNifti/.*threads:{threads}$", [images],
         [("nibabel", "read_nifti_peer.py", [images]),
          ("SimpleITK", "read_nifti_peer.py", [images, "--tool", "simpleitk"])]),
        ("nifti", "NIfTI volumes read to float32 through the parsing child", "volumes/s", "io_bench", "^ReadNiftiInChild/",
         [images], [("nibabel", "read_nifti_peer.py", [images])]),
        *[("hash", f"{title} of 512x512 slices", "slices/s", "reduce_bench", f"^{benchmark}$", [],
           [("imagehash", "reduce_peer.py", ["--measure", name])])
          for name, title, benchmark in (("dhash", "difference hash", "DifferenceHash"),
                                         ("phash", "perceptual hash", "PerceptualHash"))],
        *[("similarity", f"{title} of pairs of 224x224 slices", "pairs/s", "reduce_bench", f"^{benchmark}$", [],
           [(tool, "reduce_peer.py", ["--measure", name])])
          for name, title, benchmark, tool in (("ssim", "structural similarity", "StructuralSimilarity", "scikit-image"),
                                               ("mutual_information", "mutual information", "MutualInformation", "NumPy"))],
        *[("cosine", f"pairs with a cosine of 0.95 and more among {count:,} vectors of {d}", "vectors/s", "cosine_bench",
           f"^CosinePairs/d:{d}/n:{count}/workers:{{threads}}/", [],
           [(f"FAISS, {mode}", "cosine_peer.py", ["--mode", mode, "--dimensions", d, "--count", count])
            for mode in ("range_search", "search")])
          for d in (128, 512) for count in (20_000, 100_000)],
        *[("hamming", f"hashes of 64 bits within {radius} bits, 512 among 2^20", "pairs/s", "hamming_bench",
           f"^HammingScan/{radius}$", [],
           [("FAISS, IndexBinaryFlat", "hamming_peer.py", ["--radius", radius]),
            *([("FAISS, IndexBinaryMultiHash", "hamming_peer.py", ["--index", "multihash"])] if radius == 6 else [])])
          for radius in (6, 10)],
        ("crop", "random 40x56x40 crops", "patches/s", "patches_bench", "^Crop/.*threads:{threads}$", [images],
         [("MONAI, volumes in memory", "crop_augment_peer.py", [images])]),
        ("augment", "the same with flips, rotation, zoom, noise, gamma", "patches/s", "patches_bench",
         "^Augment/.*threads:{threads}$", [images],
         [("MONAI, volumes in memory", "crop_augment_peer.py", [images, "--augment"])]),
        *[("spark", f"SparK training step, batch 4 of 40x56x40, {precision}", "patches/s", "spark_bench",
           f"^SparkStep/{precision}/threads:{{threads}}/", [],
           [("PyTorch eager", "spark_peer.py", [*spark, "--precision", precision]),
            ("PyTorch eager, norms that gather", "spark_peer.py", [*spark, "--precision", precision, "--norm", "gather"])])
          for precision in ("fp32", "bf16")],
        ("metrics", "Dice and HD95 of two structures", "cases/s", "metrics_bench",
         "^DiceAndHd95/.*threads:{threads}$", [labels, predicted],
         [("MONAI", "metrics_peer.py", [labels, predicted]),
          ("surface-distance", "metrics_peer.py", [labels, predicted, "--tool", "surface-distance"])]),
    ]


def compare(ours, peer, repeats):
    rates = []
    for _ in range(repeats):
        rates.append((ours.measure(), peer.measure()))
    ratios = [a / b for a, b in rates]
    return (statistics.median(a for a, _ in rates), statistics.median(b for _, b in rates), statistics.median(ratios),
            min(ratios), max(ratios))


def number(value):
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="MSD hippocampus subset (imagesTr, labelsTr)")
    parser.add_argument("--predictions", type=pathlib.Path, help="label maps to score (default: the labels themselves)")
    parser.add_argument("--series", type=pathlib.Path, help="the series of the figure dicom, as `io_bench make FOLDER SLICES` writes")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--python", type=pathlib.Path, default=ROOT / ".peers" / "bin" / "python")
    parser.add_argument("--figures", nargs="*",
                        help="only these: dicom nifti hash hamming cosine crop augment spark metrics")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="least time of one measurement of ours")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.3:
        print(f"note: the machine is busy (load {load:.1f}); ratios will be noisy", file=sys.stderr)
    print(f"| work | threads | peer | ours | peer's | ratio (median of {args.repeats}) | smallest to largest |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    skipped = 0
    known = figures(args.data, args.predictions, args.series)
    if unknown := set(args.figures or []) - {f[0] for f in known}:
        sys.exit(f"compare: unknown figure {', '.join(sorted(unknown))}; known: {', '.join(f[0] for f in known)}")
    for name, title, unit, program, benchmark, arguments, peers in known:
        if args.figures and name not in args.figures:
            continue
        if name == "dicom" and args.series is None:
            skipped += 1
            print("skipped: dicom: no --series given", file=sys.stderr)
            continue
        for threads in args.threads:
            for tool, script, peer_arguments in peers:
                peer = None
                try:
                    ours = Ours(args.build, program, benchmark.format(threads=threads), arguments, args.seconds)
                    peer = Peer(args.python, script, threads, peer_arguments)
                    a, b, ratio, low, high = compare(ours, peer, args.repeats)
                    print(f"| {title} | {threads} | {tool} | {number(a)} {unit} | {number(b)} | **{ratio:.2f}** | "
                          f"{low:.2f} to {high:.2f} |", flush=True)
                except Skip as reason:
                    skipped += 1
                    print(f"skipped: {name}, {tool}, {threads} threads: {reason}", file=sys.stderr)
                finally:
                    if peer is not None:
                        peer.close()
    return 6 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
