#!/usr/bin/env python3
"""The few-label study on the MSD hippocampus subset, cell by cell; started again it goes on where it stopped.

    bench/hippocampus_study.py --data DATA/msd_hippocampus --out study            # runs what is missing, prints the tables
    bench/hippocampus_study.py --data DATA/msd_hippocampus --out study --tables   # only prints them
    bench/hippocampus_study.py --data DATA/msd_hippocampus --out study-vit --network vit --steps 400 --seeds 17

A cell is one fine-tuning (or one run of the peer) and its evaluation on the 20 validation cases. Cells run `--jobs` at a time
with `--threads` threads each. A cell that was not run is marked as such in the tables.
"""

import argparse
import concurrent.futures
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

LABELS = (2, 4, 8, 20)
# The method that pretrains a network, its preset and that of the fine-tuning; where a fine-tuning starts, and what it is told for that.
NETWORKS = {
    "conv": ("spark", "pretrain/spark3d.yaml", "finetune/segment.yaml",
             {"scratch": [], "spark": [], "decoder": ["segmentation.pretrained_decoder=load"]}),
    "vit": ("mae", "pretrain/mae3d.yaml", "finetune/segment_vit.yaml", {"scratch": [], "mae": []}),
}
ROOT = pathlib.Path(__file__).resolve().parent.parent


class Study:
    def __init__(self, options):
        self.o = options
        self.method, self.pretraining, self.finetuning, self.starts = NETWORKS[options.network]
        self.out = pathlib.Path(options.out).resolve()
        self.data = pathlib.Path(options.data).resolve()
        self.work = self.out / "work"
        self.marrow = str(pathlib.Path(options.marrow).resolve())
        self.pretrained = threading.Event()

    def run(self, name, *command):
        """Runs one command, its output into a log; the same command resumes an interrupted run."""
        log = self.out / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a", encoding="utf-8") as file:
            code = subprocess.run([str(word) for word in command], stdout=file, stderr=subprocess.STDOUT, check=False,
                                  env={"OMP_WAIT_POLICY": "passive", "PATH": "/usr/bin:/bin"}).returncode
        if code not in (0, 6):
            raise RuntimeError(f"{name}: exit code {code}, see {log}")

    def ours(self, command, *words):
        return [self.marrow, command, *words, "--work", self.work, "--threads", str(self.o.threads), "--progress", "none"]

    def prepare(self):
        if not (self.work / "store" / "index.json").exists():
            self.run("scan", *self.ours("scan", self.data / "imagesUnlabelled"))
            self.run("prepare", *self.ours("prepare", "--config", "prepare/mr.yaml"))

    def pretrain(self):
        """Takes one of the jobs while the others train from scratch."""
        try:
            if not (self.out / self.method / "encoder" / "model.safetensors").exists():
                self.run("pretrain", *self.ours("pretrain", "--config", self.pretraining, "--out", self.out / self.method,
                                                *self.o.pretrain))
        finally:
            self.pretrained.set()  # a cell that waits then fails by itself where there is no encoder

    def cell(self, start, labels, steps, seed, converge=False):
        name = f"{start}-{labels}-{'converge' if converge else steps}-{seed}"
        folder = self.out / "cells" / name
        if (folder / "evaluation" / "summary.json").exists():
            return
        words = [f"train.steps={steps}"]
        if converge:
            words += ["train.validate_every=100", "train.patience=8"]
        source = "none" if start == "scratch" else self.out / self.method
        if start != "scratch":
            self.pretrained.wait()
        words += self.starts[start]
        self.run(name, *self.ours("finetune", "segment", "--config", self.finetuning, "--from", source, "--data",
                                  self.data, "--cases", str(labels), "--out", folder, "--seed", str(seed), *words,
                                  *self.o.finetune))
        self.run(name, *self.ours("evaluate", folder, "--data", self.data, "--split", "validation"))

    def peer(self, labels, steps, seed):
        file = self.out / "cells" / f"monai-{labels}-{steps}-{seed}.json"
        if file.exists() or not pathlib.Path(self.o.peer_python).exists():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        answer = subprocess.run([self.o.peer_python, ROOT / "bench/peers/monai_hippocampus.py", "--data", self.data, "--labels",
                                 str(labels), "--steps", str(steps), "--seed", str(seed), "--threads", str(self.o.threads)],
                                capture_output=True, text=True, check=True,
                                env={"OMP_WAIT_POLICY": "passive", "PATH": "/usr/bin:/bin"}).stdout
        file.write_text([line for line in answer.splitlines() if line.startswith("{")][-1], encoding="utf-8")

    def jobs(self):
        """What needs no pretraining first, so that nothing waits for it."""
        yield (self.pretrain,)
        with_peer = self.o.network == "conv"
        for steps in self.o.steps:
            for seed in self.o.seeds:
                for labels in LABELS:
                    yield (self.cell, "scratch", labels, steps, seed)
                    if with_peer and (steps == 100 or seed == self.o.seeds[0] or self.o.peer_seeds):
                        yield (self.peer, labels, steps, seed)
        for steps in self.o.steps:
            for seed in self.o.seeds:
                for labels in LABELS:
                    for start in self.starts:
                        if start != "scratch":
                            yield (self.cell, start, labels, steps, seed)
        if with_peer:
            for labels in (20, 2):
                for start in self.starts:
                    yield (self.cell, start, labels, self.o.converge_steps, self.o.seeds[0], True)
            yield (self.peer, 20, 2400, self.o.seeds[0])

    def go(self):
        self.prepare()
        jobs = list(self.jobs())
        start = time.time()
        with concurrent.futures.ThreadPoolExecutor(self.o.jobs) as pool:
            futures = {pool.submit(job[0], *job[1:]): job for job in jobs}
            for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
                future.result()
                print(f"{done}/{len(jobs)} cells, {time.time() - start:.0f} s", file=sys.stderr, flush=True)

    def score(self, start, labels, steps, seed, converge=False):
        """(mean Dice, training seconds, steps), or None when the cell was not run."""
        name = f"{start}-{labels}-{'converge' if converge else steps}-{seed}"
        if start == "monai":
            file = self.out / "cells" / f"{name}.json"
            if not file.exists():
                return None
            row = json.loads(file.read_text(encoding="utf-8"))
            return row["mean"], row["train_seconds"], steps
        folder = self.out / "cells" / name
        if not (folder / "evaluation" / "summary.json").exists():
            return None
        summary = json.loads((folder / "evaluation" / "summary.json").read_text(encoding="utf-8"))
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        # a resumed run's manifest holds the seconds of its last part; metrics.jsonl would have to be added up
        return summary["foreground_mean"]["Dice"], manifest["seconds"], manifest.get("best_step", manifest["steps"])

    def cell_text(self, start, labels, steps):
        found = [s for s in (self.score(start, labels, steps, seed) for seed in self.o.seeds) if s]
        if not found:
            return "not run", ""
        values = [s[0] for s in found]
        spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
        missing = "" if len(values) == len(self.o.seeds) else f", {len(values)} of {len(self.o.seeds)} seeds"
        return f"{statistics.mean(values):.3f}{spread}{missing}", f"{statistics.median(s[1] for s in found):.0f}"

    def gain_text(self, labels, steps):
        pairs = [(self.score(self.method, labels, steps, s), self.score("scratch", labels, steps, s)) for s in self.o.seeds]
        gains = [a[0] - b[0] for a, b in pairs if a and b]
        return f"{statistics.mean(gains):+.3f} ({min(gains):+.3f} to {max(gains):+.3f})" if gains else "not run"

    def tables(self):
        if self.o.network == "conv":
            self.tables_beside_the_peer()
            return
        print(f"| labels | steps | scratch | {self.method} | {self.method} - scratch | seconds |\n| --- | --- | --- | --- | --- | --- |")
        for steps in self.o.steps:
            for labels in LABELS:
                scratch, pretrained = (self.cell_text(start, labels, steps) for start in ("scratch", self.method))
                print(f"| {labels} | {steps} | {scratch[0]} | {pretrained[0]} | {self.gain_text(labels, steps)} | "
                      f"{scratch[1] or '-'} / {pretrained[1] or '-'} |")

    def tables_beside_the_peer(self):
        print("| labels | steps | MONAI UNet, scratch | ours, scratch | ours, SparK | SparK - scratch | SparK, decoder loaded too | "
              "seconds (MONAI / scratch / SparK) |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
        for steps in self.o.steps:
            for labels in LABELS:
                texts = {start: self.cell_text(start, labels, steps) for start in ("monai", *self.starts)}
                print(f"| {labels} | {steps} | " + " | ".join(texts[t][0] for t in ("monai", "scratch", "spark")) +
                      f" | {self.gain_text(labels, steps)} | {texts['decoder'][0]} | " +
                      " / ".join(texts[t][1] or "-" for t in ("monai", "scratch", "spark")) + " |")
        print("\n| labels | start | best validation Dice at step | Dice at that step | seconds until stopped |"
              "\n| --- | --- | --- | --- | --- |")
        for labels in (2, 20):
            for start in self.starts:
                found = self.score(start, labels, self.o.converge_steps, self.o.seeds[0], True)
                print(f"| {labels} | {start} | " + (f"{found[2]} | {found[0]:.3f} | {found[1]:.0f} |" if found else
                                                    "not run | | |"))
        peer = self.score("monai", 20, 2400, self.o.seeds[0])
        print("| 20 | MONAI UNet, 2,400 steps | 2400 | " + (f"{peer[0]:.3f} | {peer[1]:.0f} |" if peer else "not run | |"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--network", choices=NETWORKS, default="conv")
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--seeds", type=int, nargs="+", default=[17, 18, 19])
    parser.add_argument("--marrow", default=ROOT / "build/marrow")
    parser.add_argument("--peer-python", default=ROOT / ".peers/bin/python")
    parser.add_argument("--peer-seeds", action="store_true", help="run the peer with all seeds at 400 steps too")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--converge-steps", type=int, default=2400)
    parser.add_argument("--pretrain", nargs="*", default=[], help="overrides for pretraining")
    parser.add_argument("--finetune", nargs="*", default=[], help="overrides for fine-tuning")
    parser.add_argument("--tables", action="store_true")
    study = Study(parser.parse_args())
    if not study.o.tables:
        study.go()
    study.tables()


if __name__ == "__main__":
    main()
